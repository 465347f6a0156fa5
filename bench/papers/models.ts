import {
  cifgCell, dense, fgrCell, gru, gruCell, heUniform, jozefowiczLstmCell, lastStep, lstm, lstmWithoutForgetGateCell, lstmWithoutInputGateCell, lstmWithoutOutputGateCell, mut1Cell, mut2Cell,
  mut3Cell, nfgCell, niafCell, nigCell, noafCell, nogCell, npCell, recurrent, rnn, sequential, tcn, vanillaLstmCell, type InputOptions, type Layer, type Model,
} from '../../lib/index.ts';

/** A layer over time of some width. */
export type LayerMaker = (units: number) => Layer;

/** The three recurrences that S. Bai, J. Z. Kolter and V. Koltun compare with convolution, with the library's defaults (forget bias 1). */
export const usualLayers: Readonly<Record<string, LayerMaker>> = {
  RNN: (units) => rnn({ units }),
  LSTM: (units) => lstm({ units }),
  GRU: (units) => gru({ units }),
};

/** Architectures of Table 1 of Jozefowicz et al., as far as this library has them (all), under the paper's names. Only LSTM-b begins with a forget bias. */
export const jozefowiczLayers: Readonly<Record<string, LayerMaker>> = {
  'Tanh': (units) => rnn({ units }),
  'LSTM': (units) => recurrent(jozefowiczLstmCell, { units }),
  'LSTM-f': (units) => recurrent(lstmWithoutForgetGateCell, { units }),
  'LSTM-i': (units) => recurrent(lstmWithoutInputGateCell, { units, forgetBias: 0 }),
  'LSTM-o': (units) => recurrent(lstmWithoutOutputGateCell, { units, forgetBias: 0 }),
  'LSTM-b': (units) => recurrent(jozefowiczLstmCell, { units, forgetBias: 1 }),
  'GRU': (units) => recurrent(gruCell, { units, reset: 'before' }),
  'MUT1': (units) => recurrent(mut1Cell, { units }),
  'MUT2': (units) => recurrent(mut2Cell, { units }),
  'MUT3': (units) => recurrent(mut3Cell, { units }),
};

/** The vanilla LSTM V and its eight variants of K. Greff et al., "LSTM: a search space odyssey", arXiv:1503.04069 (2015). */
export const odysseyLayers: Readonly<Record<string, LayerMaker>> = {
  V: (units) => recurrent(vanillaLstmCell, { units }),
  NIG: (units) => recurrent(nigCell, { units }),
  NFG: (units) => recurrent(nfgCell, { units }),
  NOG: (units) => recurrent(nogCell, { units }),
  NIAF: (units) => recurrent(niafCell, { units }),
  NOAF: (units) => recurrent(noafCell, { units }),
  NP: (units) => recurrent(npCell, { units }),
  CIFG: (units) => recurrent(cifgCell, { units }),
  FGR: (units) => recurrent(fgrCell, { units }),
};

/** A model that answers once, at each row's end. */
export function answeringModel(layers: readonly Layer[], outputs: number, input: InputOptions, seed: number): Model {
  return sequential([...layers, lastStep(), dense({ units: outputs })], { input, seed });
}

/** A model that answers at every step. */
export function steppingModel(layers: readonly Layer[], outputs: number, input: InputOptions, seed: number): Model {
  return sequential([...layers, dense({ units: outputs })], { input, seed });
}

export interface ConvolutionSizes {
  readonly channels: number;
  /** Residual blocks, whose dilation doubles from one to the next. */
  readonly levels: number;
  readonly kernel: number;
}

/**
 * The temporal convolutional network of Bai et al., without dropout: both tasks have endless data. Its weights begin uniform within ±1/√(fan in): the deviation of
 * 0.01 that the paper's code asks for has no effect there, since weight normalisation computes those weights anew from its own parameters.
 */
export function temporalConvolution({ channels, levels, kernel }: ConvolutionSizes): Layer[] {
  return [tcn({ channels: Array.from({ length: levels }, () => channels), kernel, initializer: { weight: heUniform({ gain: Math.sqrt(1 / 6) }) } })];
}
