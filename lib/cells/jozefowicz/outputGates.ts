/** What the output gate may be: the sigmoid that is usual, or the hyperbolic tangent that the paper prints. */
export const outputGates = ['sigmoid', 'tanh'] as const;
