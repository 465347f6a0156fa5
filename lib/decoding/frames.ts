import { wrongType } from '../checks.ts';
import { BpttError, describe, formatShape } from '../errors.ts';
import { isTensor, requireTensor } from '../data/tensor.ts';
import type { NumberArray, Tensor } from '../data/tensor.ts';

/** Logits of one sequence, [T, C]: a row of a prediction's output, or an array of frames. */
export type FrameLogits = Tensor | readonly (readonly number[] | NumberArray)[];

/**
 * The frames one by one, each of C logits.
 * @throws ERR_BPTT_SHAPE unless there is at least one and all have the same number of logits; ERR_BPTT_TYPE for what are no frames.
 */
export function framesOf(owner: string, logits: FrameLogits): ArrayLike<number>[] {
  if (isTensor(logits)) {
    const { data, shape } = requireTensor(owner, logits);
    const [steps, width] = shape as [number, number];
    if (shape.length === 2 && steps > 0 && width > 0) return Array.from({ length: steps }, (_, t) => data.subarray(t * width, (t + 1) * width));
    throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected logits of shape [T, C], received ${formatShape(shape)}; of a batch decode each row: output.row(n)`, { expected: '[T, C]', received: shape });
  }
  if (!Array.isArray(logits)) throw wrongType(owner, 'the logits', 'the frames of one sequence, [T, C], such as output.row(n)', logits);
  const frames = logits as readonly ArrayLike<number>[];
  const width = frames[0]?.length;
  if (typeof frames[0]?.[0] === 'object') {
    throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected logits of one sequence, [T, C], received those of several, [N, T, C]; decode each of them by itself`, { expected: '[T, C]', received: logits });
  }
  const different = frames.findIndex((frame) => typeof frame !== 'object' || frame === null || frame.length !== width);
  if (width !== undefined && width > 0 && different < 0) return [...frames];
  throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected at least one frame, each of as many logits, received ${different < 0 ? describe(logits) : `${describe(frames[different])} as frame ${different}`}`,
    { expected: width ?? '[T, C]', received: logits });
}
