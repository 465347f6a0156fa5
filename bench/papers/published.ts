/** What the papers print: the rows that stand beside ours. */

/** S. Bai, J. Z. Kolter and V. Koltun, arXiv:1803.01271 (2018), Table 1: error on adding (T = 600, about 70,000 parameters), loss on copy memory (T = 1000, 16,000). */
export const bai: Readonly<Record<string, { readonly adding: number; readonly copy: number }>> = {
  RNN: { adding: 0.177, copy: 0.0202 },
  LSTM: { adding: 0.164, copy: 0.0204 },
  GRU: { adding: 5.3e-5, copy: 0.0197 },
  TCN: { adding: 5.8e-5, copy: 3.5e-5 },
};

/** R. Jozefowicz, W. Zaremba and I. Sutskever, ICML (2015), Table 1: accuracy of the next step. */
export const jozefowicz: Readonly<Record<string, { readonly arithmetic: number; readonly xml: number }>> = {
  'Tanh': { arithmetic: 0.29493, xml: 0.3205 },
  'LSTM': { arithmetic: 0.89228, xml: 0.4247 },
  'LSTM-f': { arithmetic: 0.29292, xml: 0.23356 },
  'LSTM-i': { arithmetic: 0.75109, xml: 0.41371 },
  'LSTM-o': { arithmetic: 0.86747, xml: 0.42117 },
  'LSTM-b': { arithmetic: 0.90163, xml: 0.44434 },
  'GRU': { arithmetic: 0.89565, xml: 0.45963 },
  'MUT1': { arithmetic: 0.92135, xml: 0.47483 },
  'MUT2': { arithmetic: 0.89735, xml: 0.47324 },
  'MUT3': { arithmetic: 0.90728, xml: 0.46478 },
};

/** A row of a table of S. Hochreiter and J. Schmidhuber, Neural Computation 9 (1997). */
export interface EarlyResult {
  readonly method: string;
  readonly weights: string;
  readonly solved: string;
  readonly sequences: string;
  readonly wrong: string;
}

/** Their tables 1 (embedded Reber grammar), 7 (adding) and 9 (temporal order), as far as they are repeated here. */
export const hochreiter = {
  'reber': [
    { method: 'Elman net, 15 units (published)', weights: '435', solved: '0 %', sequences: '>200,000', wrong: '' },
    { method: 'recurrent cascade correlation, 7–9 units (published)', weights: '119–198', solved: '50 %', sequences: '182,000', wrong: '' },
    { method: 'LSTM, 4 blocks of one cell, rate 0.1 (published)', weights: '264', solved: '100 %', sequences: '39,740', wrong: '' },
    { method: 'LSTM, 3 blocks of two cells, rate 0.1 (published)', weights: '276', solved: '100 %', sequences: '21,730', wrong: '' },
    { method: 'LSTM, 3 blocks of two cells, rate 0.2 (published)', weights: '276', solved: '97 %', sequences: '14,060', wrong: '' },
    { method: 'LSTM, 4 blocks of one cell, rate 0.5 (published)', weights: '264', solved: '97 %', sequences: '9,500', wrong: '' },
    { method: 'LSTM, 3 blocks of two cells, rate 0.5 (published)', weights: '276', solved: '100 %', sequences: '8,440', wrong: '' },
  ],
  'early-adding': [{ method: 'LSTM, 2 blocks of two cells (published)', weights: '93', solved: '', sequences: '74,000', wrong: '1 of 2,560' }],
  'order-of-two': [{ method: 'LSTM, 2 blocks of two cells (published)', weights: '156', solved: '', sequences: '31,390', wrong: '1 of 2,560' }],
  'order-of-three': [{ method: 'LSTM, 3 blocks of two cells (published)', weights: '308', solved: '', sequences: '571,100', wrong: '2 of 2,560' }],
} as const satisfies Readonly<Record<string, readonly EarlyResult[]>>;
