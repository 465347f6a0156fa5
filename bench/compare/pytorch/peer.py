"""PyTorch as a peer of `npm run bench -- compare`.

Reads commands from standard input and answers each with one line of JSON:

    layer CELL STEPS ROWS FEATURES UNITS MODE IN OUT    CELL lstm, gru-after, rnn or peephole; MODE train or inference
    train WORK IN                                       WORK characters, words or regression; answers with the losses of the first steps
    run COUNT                                           {"milliseconds": [...]}

The environment variable BENCH_THREADS says how many threads to use. Peephole is a cell in a Python loop over time, the way one writes a recurrence that the
library does not have; its input products are taken out of the loop.
"""

import json
import os
import sys
import time

import numpy
import torch
from torch import nn


def read_bundle(path):
    """Tensors by name: lines of "name size size ...", a line "end", then float32."""
    with open(path, 'rb') as file:
        shapes = []
        for line in file:
            words = line.decode().split()
            if words == ['end']:
                break
            shapes.append((words[0], [int(size) for size in words[1:]]))
        rest = numpy.frombuffer(file.read(), dtype='<f4').copy()
    found, offset = {}, 0
    for name, shape in shapes:
        count = int(numpy.prod(shape)) if shape else 1
        found[name] = torch.from_numpy(rest[offset:offset + count].reshape(shape).copy())
        offset += count
    return found


def write_bundle(path, tensors):
    with open(path, 'wb') as file:
        for name, tensor in tensors.items():
            file.write((' '.join([name, *map(str, tensor.shape)]) + '\n').encode())
        file.write(b'end\n')
        for tensor in tensors.values():
            file.write(tensor.detach().contiguous().numpy().astype('<f4').tobytes())


class LibraryLayer:
    """One of the library's own layers."""

    def __init__(self, cell, numbers, training):
        units = numbers['u'].shape[0]
        kind = {'lstm': nn.LSTM, 'gru-after': nn.GRU, 'rnn': nn.RNN}[cell]
        self.cell, self.training = cell, training
        self.layer = kind(numbers['w'].shape[0], units)
        second = torch.zeros_like(numbers['b'])
        if 'bh' in numbers:
            second[2 * units:] = numbers['bh']
        with torch.no_grad():
            for parameter, value in zip(self.layer.parameters(), (numbers['w'].t(), numbers['u'].t(), numbers['b'], second)):
                parameter.copy_(value)
        self.x = numbers['x'].requires_grad_(training)
        self.h = numbers['h0'].unsqueeze(0).requires_grad_(training)
        self.c = numbers['c0'].unsqueeze(0).requires_grad_(training) if cell == 'lstm' else None
        self.upstream = numbers.get('dy')

    def leaves(self):
        return [self.x, self.h, *([self.c] if self.cell == 'lstm' else []), *self.layer.parameters()]

    def run(self):
        state = (self.h, self.c) if self.cell == 'lstm' else self.h
        if not self.training:
            with torch.inference_mode():
                self.y, _ = self.layer(self.x, state)
            return
        for leaf in self.leaves():
            leaf.grad = None
        self.y, _ = self.layer(self.x, state)
        self.y.backward(self.upstream)

    def results(self):
        found = {'y': self.y}
        if not self.training:
            return found
        w, u, b, second = (parameter.grad for parameter in self.layer.parameters())
        found |= {'dx': self.x.grad, 'dw': w.t(), 'du': u.t(), 'db': b, 'dh0': self.h.grad[0]}
        if self.cell == 'gru-after':
            found['dbh'] = second[2 * self.layer.hidden_size:]
        if self.cell == 'lstm':
            found['dc0'] = self.c.grad[0]
        return found


class PeepholeLoop:
    """A cell of one's own in a Python loop."""

    names = ('x', 'w', 'u', 'b', 'pi', 'pf', 'po', 'h0', 'c0')

    def __init__(self, numbers):
        self.leaves = {name: numbers[name].requires_grad_() for name in self.names}
        self.upstream = numbers['dy']

    def run(self):
        for leaf in self.leaves.values():
            leaf.grad = None
        x, w, u, b, pi, pf, po, h, c = self.leaves.values()
        inputs = x @ w + b
        shown = []
        for step in inputs:
            i, f, g, o = (step + h @ u).chunk(4, 1)
            c = torch.sigmoid(f + pf * c) * c + torch.sigmoid(i + pi * c) * torch.tanh(g)
            h = torch.sigmoid(o + po * c) * torch.tanh(c)
            shown.append(h)
        self.y = torch.stack(shown)
        self.y.backward(self.upstream)

    def results(self):
        return {'y': self.y, **{'d' + name: leaf.grad for name, leaf in self.leaves.items()}}


class LanguageModel(nn.Module):
    def __init__(self, tokens, width, units):
        super().__init__()
        self.embedding = nn.Embedding(tokens, width)
        self.lstm = nn.LSTM(width, units, 2, batch_first=True)
        self.dense = nn.Linear(units, tokens)

    def forward(self, x):
        return self.dense(self.lstm(self.embedding(x))[0])


class Regression(nn.Module):
    def __init__(self, features, units):
        super().__init__()
        self.lstm = nn.LSTM(features, units, batch_first=True)
        self.dense = nn.Linear(units, 1)

    def forward(self, x):
        return self.dense(self.lstm(x)[0][:, -1])


class Training:
    """Whole training steps of a model: the same data in every step."""

    def __init__(self, work, numbers):
        self.x, self.target = numbers.pop('x'), numbers.pop('target')
        self.clip, rate = float(numbers.pop('clip')), float(numbers.pop('rate'))
        if work == 'regression':
            self.model = Regression(self.x.shape[2], numbers['dense.weight'].shape[1])
            self.loss = nn.MSELoss()
        else:
            tokens, width = numbers['embedding.weight'].shape
            self.model = LanguageModel(tokens, width, numbers['dense.weight'].shape[1])
            self.x, self.target = self.x.long(), self.target.long()
            cross_entropy = nn.CrossEntropyLoss()
            self.loss = lambda y, target: cross_entropy(y.flatten(0, 1), target.flatten())
        self.model.load_state_dict(numbers)
        kind = torch.optim.SGD if work == 'words' else torch.optim.Adam
        self.optimizer = kind(self.model.parameters(), lr=rate)

    def run(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.model(self.x), self.target)
        loss.backward()
        if self.clip > 0:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimizer.step()
        return loss.item()


def handle(words, current):
    """Answers one command. Gives the answer and the work that `run` is to repeat."""
    if words[0] == 'layer':
        cell, mode, source, target = words[1], words[6], words[7], words[8]
        numbers = read_bundle(source)
        work = PeepholeLoop(numbers) if cell == 'peephole' else LibraryLayer(cell, numbers, mode == 'train')
        work.run()
        write_bundle(target, work.results())
        return {'version': torch.__version__.split('+')[0]}, work
    if words[0] == 'train':
        work = Training(words[1], read_bundle(words[2]))
        return {'version': torch.__version__.split('+')[0], 'losses': [work.run() for _ in range(3)]}, work
    if words[0] == 'run':
        times = []
        for _ in range(int(words[1])):
            start = time.perf_counter()
            current.run()
            times.append(1000 * (time.perf_counter() - start))
        return {'milliseconds': times}, current
    raise ValueError(f'unknown command {words[0]}')


def main():
    torch.set_num_threads(int(os.environ.get('BENCH_THREADS', '1')))
    current = None
    for line in sys.stdin:
        try:
            answer, current = handle(line.split(), current)
        except Exception as error:  # whatever goes wrong is the answer
            answer = {'error': f'{type(error).__name__}: {error}'}
        print(json.dumps(answer), flush=True)


main()
