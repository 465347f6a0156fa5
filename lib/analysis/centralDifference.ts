/**
 * The derivative of `loss` in numbers[place] by central differences of fourth order, a thousandth of the number (or of 1) apart. `loss` reads `numbers`, which are as
 * before when it is done.
 */
export function centralDifference(loss: () => number, numbers: Float64Array, place: number): number {
  const own = numbers[place]!;
  const step = 1e-3 * Math.max(1, Math.abs(own));
  const at = (offset: number): number => {
    numbers[place] = own + offset * step;
    return loss();
  };
  const result = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step);
  numbers[place] = own;
  return result;
}
