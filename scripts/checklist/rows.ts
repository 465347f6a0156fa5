// What the lecture notes' checklist asks for: the rows that tests must show, in the words of this package.

export interface Row {
  /** As tests write it in square brackets: "30", "A19.6". */
  readonly number: string;
  readonly says: string;
}

export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** Rows in a row: numbers count up from `first`. */
function section(title: string, first: number, phrases: readonly string[], prefix = ''): Section {
  return { title, rows: phrases.map((says, i) => ({ number: `${prefix}${first + i}`, says })) };
}

export const sections: readonly Section[] = [
  section('A1. Data, tasks, shapes', 1, [
    'kinds of sequences: text, DNA, numbers, frames',
    'one to one: a dense network learns XOR',
    'one to many: a sequence from one vector',
    'many to one: one answer for a sequence',
    'many to many, an output at each step',
    'many to many, delayed: encoder–decoder',
    'a sequence shifted by one step as target',
    'sequence to vector, vector to sequence, and both in a row',
    'step by step is the whole sequence, bit for bit',
    'any length, the same weights at every step',
    'state that outlives calls and can be kept',
    'windows of a dense network explode in parameters',
    'sequences of different lengths in one batch',
  ]),
  section('A2. Sequence models before recurrent ones', 14, [
    'time-delay network: causal, finite, moves with its input',
    'time-delay language model',
    'finite and infinite responses',
    'NARX: recursion from the output',
    'Jordan network: fixed memory of outputs',
    'Elman network: one step back',
    'state-space model with any transition',
  ]),
  section('A3. The vanilla recurrent network', 21, [
    'with biases',
    'without biases, as one product with [h; x]',
    'Goodfellow\'s form',
    'S_t form: squared error, neither halved nor averaged',
    'tanh, ReLU, sigmoid, linear',
    'erratum: f where the output function g is meant',
    'erratum: "without activation" between layers',
    'folded and unfolded, sequential and parallel recursion',
    'closed form of the linear network',
  ]),
  section('A4. Training', 30, [
    'backpropagation through time',
    'the total cost is a sum over time',
    'memory that grows with the length, and recomputation',
    'truncated backpropagation through time',
    'the seven steps of training forward through time',
    'update by gradient descent',
    'random weights by a seed',
    'clipping by norm',
    'clipping by the squared norm, as printed',
    'clipping by value, norm and global norm',
    'loss at every step or at the last one',
    'shared weights: gradients add up',
    'try LSTM, then GRU, keep the GRU if similar',
    'projections learned without labels',
  ]),
  section('A5. Stability and gradients', 44, [
    'bounded states give bounded outputs',
    'fixed points of h = f(w h)',
    'bipolar activations hold memory; forgetting is exponential',
    'Jacobians and their products',
    'the rule of singular values and its limits',
    'training stops at NaN and says where',
    'gaps that an LSTM bridges and a vanilla network does not',
    'the cell\'s identity ∂c_t/∂c_{t−1} = f',
    'gates wide open and closed',
    'remedies for gradients that explode',
    'remedies for gradients that vanish',
  ]),
  section('A6. LSTM family', 55, [
    'LSTM without forget gate',
    'LSTM1: the cell shown without tanh, and with shared weights',
    'LSTM2: weights for each gate',
    'all gates in one product',
    'sigmoid around the cell, as one lecture prints it',
    'peepholes, diagonal and full',
    'PyTorch\'s LSTM: keys, shapes, parameters',
    'which LSTM is it? four questions',
    'c, h and all gates can be looked at',
    'f = 1 and i = 0 keep the cell',
    'counting: what LSTMs can and GRUs cannot',
    'what LSTMs have been good for',
  ]),
  section('A7. GRU', 67, [
    'as printed with u',
    'as printed with z',
    'z the other way round',
    'reset before or after the product',
    'three blocks of weights where the LSTM has four',
  ]),
  section('A8. Variants of the research literature', 72, [
    'V, and NIG: no input gate',
    'NFG: no forget gate',
    'NOG: no output gate',
    'NIAF: no activation of the input',
    'NOAF: no activation of the output',
    'NP: no peepholes',
    'CIFG: coupled input and forget gates',
    'FGR: gates that see gates',
    'Jozefowicz\'s LSTM',
    'LSTM-f, -i, -o: a gate less',
    'LSTM-b: the forget gate\'s bias',
    'the GRU beside them',
    'MUT1',
    'MUT2',
    'MUT3',
    'the printed table: ten architectures on arithmetic and XML',
  ]),
  section('A9. Deep, bidirectional, skipping', 88, [
    'bidirectional networks begin at each row\'s true end',
    'forward knows no future, backward no past',
    'multilayer RNN',
    'multilayer LSTM',
    'dense layers before, between and after',
    'skip connections',
    'highway networks',
    'sequential and parallel recursion',
  ]),
  section('A10. Convolution and recurrence', 96, [
    'recurrence over a convolutional network',
    'captions: the image as context of the recurrence',
    'start and end tokens',
    'LRCN, m-RNN and their like',
    'recurrent convolutional layers',
    'temporal convolutional networks',
    'video description, glimpses, DRAW',
  ]),
  section('A11. Text, embeddings, language models', 103, [
    'one-hot characters and words',
    '"hello", character by character',
    'min-char-rnn, loss by loss',
    'samples while training goes on',
    'writing Shakespeare, C, LaTeX',
    'mathgen',
    'perplexity of language models',
    'pretrained word vectors',
    'one-hot vectors fill their space badly',
    'projection: an embedding is a table of rows',
    'padding passes through embeddings unseen',
  ]),
  section('A15. Beginnings and regularisation', 134, [
    'orthogonal weights',
    'identity weights',
    'each gate has the fan and gain of its own matrix',
    'the forget gate\'s bias at 1',
    'ReLU instead of tanh',
    'L2, and weight decay under Adam',
    'dropout on input and output, not on the recurrent path',
  ]),
  section('A16. The notes\' own code', 141, [
    'Keras: Embedding, LSTM, SimpleRNN, Dense',
    'TensorFlow: bidirectional sentiment classifier',
    'masking is raggedness',
    'MATLAB: bilstm and what its "last" is',
    'PyTorch: two layers of 100 units and a linear one',
    'Keras: LSTM(num_units)',
  ]),
  section('A19. Errata', 1, [
    'where the product of BPTT begins',
    'a chain that is ∂h₃/∂h₀',
    'y_t from h_{t−1}',
    'shared W and V in all gates',
    'what the input gate controls',
    'clipping by the squared norm',
    'singular values above 1',
    'LSTM before a SimpleRNN without its sequence',
    'sigmoid around C_t',
    'CIFG is no GRU',
    'speed printed as accuracy',
    'U and V exchanged',
    'z reversed',
    'authors of the time-delay network',
    'a table of speech that is not normalised',
    'the closed form\'s parenthesis',
    '"draw" the most probable',
    'the identifier of an arXiv paper',
    'what an LSTM is said to be',
    'equations that are missing',
  ], 'A19.'),
];

export const rows: readonly Row[] = sections.flatMap((each) => each.rows);

/** Rows that need no test, and why; a test may still show that the documentation says so. */
export const outOfScope: Readonly<Record<string, string>> = {
  102: 'out of scope: named in the notes, not defined; what is here of it stands on the page of applications',
  108: 'out of scope: not a recurrent network but a grammar, named in the notes beside texts that networks wrote',
};

/** What a row's tests do not show by themselves. */
export const remarks: Readonly<Record<string, string>> = {
  65: 'Trained networks: bench/papers (counting).',
  87: 'The order over seeds at small scale: bench/papers (arithmetic, XML); the tests check its tasks, architectures and judgement.',
  105: 'The reference is the published loop written out again, in float64.',
};
