import { BpttError } from '../../errors.ts';
import { onlyInput, outerShape, requireFeatures, signalError } from '../define.ts';
import type { Signal } from '../layer.ts';
import { zeroPadding } from '../masking.ts';
import { padAxis, paddingOf, tapsAlong, windowCount, type Padding, type Windows } from './windows.ts';
import type { Value } from '../../graph/index.ts';

/** Windows along the height and the width of images. */
export type ImageWindows = readonly [Windows, Windows];

/** One signal of images, [N, H, W, C] or one at each step, [T, N, H, W, C]; zeros beyond each row's end. @throws ERR_BPTT_TYPE for tokens, ERR_BPTT_SHAPE for other ranks. */
export function imageInput(label: string, inputs: readonly Signal[]): Signal {
  const signal = onlyInput(label, inputs);
  requireFeatures(label, signal);
  if (signal.value.shape.length === (signal.time ? 5 : 4)) return zeroPadding(signal);
  throw signalError(label, signal.time ? ['N', 'T', 'height', 'width', 'channels'] : ['N', 'height', 'width', 'channels'], signal,
    'declare images by input({ features: [height, width, channels] })');
}

/** What windows over images [..., H, W, C] see: one [..., H', W', C] for each place of the kernel, row after row. @throws ERR_BPTT_SHAPE when no window fits. */
export function windowsOverImages(label: string, signal: Signal, windows: ImageWindows, padding: Padding, fill = 0): Value[] {
  const first = signal.value.shape.length - 3;
  return windows.reduce<Value[]>((values, along, i) => {
    const size = signal.value.shape[first + i]!;
    const count = windowCount(size, along, padding);
    if (count < 1) throw tooSmall(label, signal);
    const { before, after } = paddingOf(along, padding);
    return values.flatMap((value) => tapsAlong(padAxis(value, first + i, before, after, fill), first + i, along, count));
  }, [signal.value]);
}

function tooSmall(label: string, signal: Signal): BpttError {
  const [height, width] = outerShape(signal).slice(-3);
  return new BpttError('ERR_BPTT_SHAPE', `${label}: expected images that a window fits into, received ${height!} × ${width!}; choose a smaller kernel or padding "same"`, { received: [height, width] });
}
