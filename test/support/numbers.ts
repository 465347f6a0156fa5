/** Reproducible numbers in (−1, 1), never nearer to 0 than 0.05 so that kinks at 0 are out of the reach of finite differences. */
export function someNumbers(count: number, seed = 1): Float64Array {
  let state = seed >>> 0;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 13), 0x297a2d39) >>> 0;
    const unit = mixed / 2 ** 31 - 1;
    return unit + (unit < 0 ? -0.05 : 0.05);
  });
}

/** The largest |a − b|; NaN when the lengths differ or either holds one. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return NaN;
  let result = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = a[i] === b[i] ? 0 : Math.abs(a[i]! - b[i]!);
    result = Math.max(result, difference);
  }
  return result;
}
