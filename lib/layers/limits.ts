/**
 * How far options may let a layer swell. A definition of a few bytes, perhaps read from a file, must not ask for a graph or for memory without end.
 */
import { BpttError } from '../errors.ts';

/** How many steps or pixels a layer sees back from, or beside, its own: inputs that far away are kept, or padded with zeros. */
export const longestDelay = 2 ** 16;

/** From one window to the next. */
export const longestStride = 2 ** 16;

/** Steps that a layer makes of a vector. */
export const mostSteps = 2 ** 16;

/** Layers of one recurrent stack: each is a loop of its own. */
export const mostLayers = 100;

/** Iterations of a recurrent convolution, each a part of the graph. */
export const mostIterations = 100;

/** Blocks of a temporal convolutional network: the last of so many has the longest dilation there is, 2¹⁶ steps. */
export const mostBlocks = 17;

/** Channels of local response normalisation, whose neighbours are a matrix [channels, channels]. */
export const mostChannels = 4096;

/** Places of windows, over all convolutions of a layer: each is a part of the graph. */
export const mostPlaces = 4096;

/**
 * Checks how far the places of a window reach, (kernel − 1)·dilation.
 * @throws ERR_BPTT_RANGE beyond `longestDelay`.
 */
export function requireReach(owner: string, kernel: number, dilation: number): void {
  const reach = (kernel - 1) * dilation;
  if (reach <= longestDelay) return;
  throw new BpttError('ERR_BPTT_RANGE', `${owner}: expected the reach of a window, (kernel − 1)·dilation, to be ${longestDelay} at most, received ${kernel - 1}·${dilation} = ${reach}; `
    + 'choose a smaller kernel or dilation, or pool before', { expected: longestDelay, received: reach });
}

/**
 * Checks the places of all convolutions of a layer.
 * @param cure what to choose smaller
 * @throws ERR_BPTT_RANGE beyond `mostPlaces`.
 */
export function requirePlaces(owner: string, places: number, cure: string): void {
  if (places <= mostPlaces) return;
  throw new BpttError('ERR_BPTT_RANGE', `${owner}: expected the places of all its convolutions to be ${mostPlaces} at most, received ${places}; choose ${cure}`, { expected: mostPlaces, received: places });
}
