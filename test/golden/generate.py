#!/usr/bin/env python3
"""Writes the golden fixtures beside this file with PyTorch, in float64.

    python3 test/golden/generate.py

Every number that goes in (weights, data, states, upstream gradients) is a multiple of 1/256, hence exact in float32 too,
and is written as an integer with its scale; every number that comes out is written with 14 significant digits. The same
seed gives the same files; the versions that made them are recorded in each.
"""
import json
import math
import pathlib
import platform

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

FOLDER = pathlib.Path(__file__).parent
SCALE = 256
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


class Source:
    """Seeded numbers on the grid of 1/256."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)

    def numbers(self, *shape, reach=1.0):
        bound = int(reach * SCALE)
        return torch.randint(-bound, bound + 1, shape, generator=self.generator).double() / SCALE

    def tokens(self, size, *shape):
        return torch.randint(0, size, shape, generator=self.generator)


def given(tensor):
    integers = (tensor.detach() * SCALE).round().to(torch.int64)
    assert torch.equal(integers.double() / SCALE, tensor.detach().double()), 'an input that is off the grid'
    return {'shape': list(tensor.shape), 'scale': SCALE, 'data': integers.flatten().tolist()}


def computed(tensor):
    return {'shape': list(tensor.shape), 'data': [short(x) for x in tensor.detach().flatten().tolist()]}


def tokens(tensor):
    return {'shape': list(tensor.shape), 'scale': 1, 'data': tensor.flatten().tolist()}


def short(number):
    assert math.isfinite(number)
    rounded = float(f'{number:.14g}')
    return 0 if rounded == 0 else rounded


def write(name, seed, by='generate.py', **content):
    record = {
        'made': {'by': f'test/golden/{by}', 'torch': torch.__version__, 'python': platform.python_version(), 'seed': seed},
        **content,
    }
    path = FOLDER / f'{name}.json'
    path.write_text(json.dumps(record, separators=(',', ':')) + '\n')
    size = path.stat().st_size
    print(f'{path.name}: {size} bytes')
    assert size < 300_000, 'keep the fixtures small'


# Recurrent layers ---------------------------------------------------------------------------------------------------

def projection(units):
    return max(1, units // 2)


def recurrent_module(kind, features, units, layers, bidirectional):
    shape = dict(input_size=features, hidden_size=units, num_layers=layers, batch_first=True, bidirectional=bidirectional)
    if kind == 'lstm_projection':
        return nn.LSTM(**shape, proj_size=projection(units))
    if kind == 'lstm':
        return nn.LSTM(**shape)
    if kind == 'gru':
        return nn.GRU(**shape)
    return nn.RNN(nonlinearity='relu' if kind == 'rnn_relu' else 'tanh', **shape)


def run_recurrent(module, x, lengths, state):
    if lengths is None:
        return module(x, state)
    packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    output, final = module(packed, state)
    return pad_packed_sequence(output, batch_first=True, total_length=x.shape[1])[0], final


def recurrent_case(source, kind, *, layers, bidirectional, lengths, with_state, sizes):
    rows, steps, features, units = sizes
    module = recurrent_module(kind, features, units, layers, bidirectional)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(source.numbers(*parameter.shape, reach=0.5))
    x = source.numbers(rows, steps, features, reach=1.5).requires_grad_()
    directions = 2 if bidirectional else 1
    is_lstm = kind.startswith('lstm')
    sizes = {'h': projection(units) if kind == 'lstm_projection' else units, **({'c': units} if is_lstm else {})}
    state = {name: source.numbers(layers * directions, rows, size, reach=0.9).requires_grad_() for name, size in sizes.items()} if with_state else None
    initial = None if state is None else (state['h'], state['c']) if is_lstm else state['h']
    output, final = run_recurrent(module, x, lengths, initial)
    finals = dict(zip(sizes, final if is_lstm else [final]))
    upstream = {'output': source.numbers(*output.shape), **{name: source.numbers(*value.shape) for name, value in finals.items()}}
    total = (output * upstream['output']).sum() + sum((value * upstream[name]).sum() for name, value in finals.items())
    total.backward()
    parts = ['bidirectional' if bidirectional else 'forward', f'{layers} layer' + ('s' if layers > 1 else ''),
             f'{rows}x{steps}x{features} to {units}', 'lengths ' + ' '.join(map(str, lengths)) if lengths else 'full rows',
             'state given' if with_state else 'no state']
    return {
        'name': f'{kind}: ' + ', '.join(parts),
        'kind': kind, 'layers': layers, 'bidirectional': bidirectional, 'units': units, 'lengths': lengths,
        **({'projection': sizes['h']} if kind == 'lstm_projection' else {}),
        'weights': {name: given(p) for name, p in module.named_parameters()},
        'input': given(x),
        'state': None if state is None else {name: given(value) for name, value in state.items()},
        'upstream': {name: given(value) for name, value in upstream.items()},
        'output': computed(output),
        'final': {name: computed(value) for name, value in finals.items()},
        'gradients': {
            'weights': {name: computed(p.grad) for name, p in module.named_parameters()},
            'input': computed(x.grad),
            'state': None if state is None else {name: computed(value.grad) for name, value in state.items()},
        },
    }


def recurrent(kind, seed):
    source = Source(seed)
    small = (3, 4, 3, 4)
    cases = []
    for layers in (1, 2):
        for bidirectional in (False, True):
            cases.append(recurrent_case(source, kind, layers=layers, bidirectional=bidirectional, lengths=None, with_state=False, sizes=small))
            cases.append(recurrent_case(source, kind, layers=layers, bidirectional=bidirectional, lengths=[2, 4, 1], with_state=True, sizes=small))
    smallest = (1, 1, 1, 2 if kind == 'lstm_projection' else 1)
    cases.append(recurrent_case(source, kind, layers=1, bidirectional=False, lengths=None, with_state=True, sizes=smallest))
    cases.append(recurrent_case(source, kind, layers=1, bidirectional=False, lengths=None, with_state=True, sizes=(9, 5, 5, 19)))
    cases.append(recurrent_case(source, kind, layers=1, bidirectional=True, lengths=[3, 1, 5, 5, 2], with_state=False, sizes=(5, 5, 3, 8)))
    write(kind, seed, cases=cases)


# Optimizers ---------------------------------------------------------------------------------------------------------

OPTIMIZERS = [
    ('sgd', {'learningRate': 0.1}, lambda p: torch.optim.SGD(p, lr=0.1)),
    ('sgd', {'learningRate': 0.05, 'momentum': 0.9}, lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
    ('sgd', {'learningRate': 0.05, 'momentum': 0.9, 'nesterov': True}, lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True)),
    ('rmsprop', {'learningRate': 0.01}, lambda p: torch.optim.RMSprop(p, lr=0.01)),
    ('rmsprop', {'learningRate': 2e-3, 'decay': 0.95, 'epsilon': 1e-8}, lambda p: torch.optim.RMSprop(p, lr=2e-3, alpha=0.95, eps=1e-8)),
    ('rmsprop', {'learningRate': 0.01, 'centered': True}, lambda p: torch.optim.RMSprop(p, lr=0.01, centered=True)),
    ('rmsprop', {'learningRate': 0.01, 'momentum': 0.9}, lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.9)),
    ('rmsprop', {'learningRate': 0.01, 'momentum': 0.5, 'centered': True}, lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True)),
    ('adagrad', {'learningRate': 0.1}, lambda p: torch.optim.Adagrad(p, lr=0.1)),
    ('adadelta', {'learningRate': 1.0}, lambda p: torch.optim.Adadelta(p, lr=1.0)),
    ('adam', {'learningRate': 0.01}, lambda p: torch.optim.Adam(p, lr=0.01)),
    ('adamw', {'learningRate': 0.01, 'weightDecay': 0.1}, lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1)),
    ('adamw', {'learningRate': 0.01}, lambda p: torch.optim.AdamW(p, lr=0.01)),
    ('nadam', {'learningRate': 0.01}, lambda p: torch.optim.NAdam(p, lr=0.01)),
]
# What each factory gives with no option at all: PyTorch's defaults.
DEFAULTS = [
    ('sgd', torch.optim.SGD), ('rmsprop', torch.optim.RMSprop), ('adagrad', torch.optim.Adagrad), ('adadelta', torch.optim.Adadelta),
    ('adam', torch.optim.Adam), ('adamw', torch.optim.AdamW), ('nadam', torch.optim.NAdam),
]
STEPS = 12


def trajectory(source, kind, options, make, clip=None):
    shapes = {'matrix': (2, 3), 'vector': (5,)}
    start = {name: source.numbers(*shape, reach=2) for name, shape in shapes.items()}
    parameters = {name: nn.Parameter(value.clone()) for name, value in start.items()}
    optimizer = make(list(parameters.values()))
    gradients, after, norms = [], [], []
    for step in range(STEPS):
        fed = {name: source.numbers(*shape, reach=3 if step % 3 else 0.5) for name, shape in shapes.items()}
        for name, parameter in parameters.items():
            parameter.grad = fed[name].clone()
        if clip is not None:
            norms.append(short(float(nn.utils.clip_grad_norm_(list(parameters.values()), clip))))
        optimizer.step()
        gradients.append({name: given(value) for name, value in fed.items()})
        after.append({name: computed(value) for name, value in parameters.items()})
    return {'kind': kind, 'options': options, 'clip': clip, 'norms': norms, 'start': {name: given(value) for name, value in start.items()},
            'gradients': gradients, 'after': after}


def optimizers(seed):
    source = Source(seed)
    cases = [trajectory(source, kind, options, make) for kind, options, make in OPTIMIZERS]
    cases += [trajectory(source, kind, {}, make) for kind, make in DEFAULTS]
    cases.append(trajectory(source, 'adam', {'learningRate': 0.01}, OPTIMIZERS[10][2], clip=1.5))
    write('optimizers', seed, cases=cases)


# Losses -------------------------------------------------------------------------------------------------------------

def pointwise(name, prediction, target):
    """The loss of every element, as PyTorch has it."""
    if name == 'crossEntropy':
        return functional.cross_entropy(prediction.transpose(1, 2), target, reduction='none').unsqueeze(-1)
    if name == 'binaryCrossEntropy':
        return functional.binary_cross_entropy_with_logits(prediction, target, reduction='none')
    if name == 'squaredError':
        return functional.mse_loss(prediction, target, reduction='none')
    if name == 'absoluteError':
        return functional.l1_loss(prediction, target, reduction='none')
    return functional.huber_loss(prediction, target, reduction='none', delta=0.75)


def reduce(elements, lengths, reduction):
    """elements [N, T, C]: 'sum' adds all that is valid; the means average over features, then over valid steps."""
    valid = (torch.arange(elements.shape[1])[None, :] < torch.tensor(lengths)[:, None]).double()
    if reduction == 'sum':
        return (elements.sum(-1) * valid).sum()
    steps = elements.mean(-1) * valid
    if reduction == 'mean':
        return steps.sum() / valid.sum()
    return (steps.sum(1) / valid.sum(1)).mean()


def losses(seed):
    source = Source(seed)
    cases = []
    rows, steps, features = 3, 4, 5
    for name in ('crossEntropy', 'binaryCrossEntropy', 'squaredError', 'absoluteError', 'huber'):
        for lengths in ([4, 4, 4], [2, 4, 1]):
            for reduction in ('sum', 'mean', 'meanPerSequence'):
                prediction = source.numbers(rows, steps, features, reach=3).requires_grad_()
                if name == 'crossEntropy':
                    target = source.tokens(features, rows, steps)
                elif name == 'binaryCrossEntropy':
                    target = source.tokens(2, rows, steps, features).double()
                else:
                    target = source.numbers(rows, steps, features, reach=2)
                value = reduce(pointwise(name, prediction, target), lengths, reduction)
                value.backward()
                cases.append({
                    'kind': name, 'options': {'delta': 0.75} if name == 'huber' else {}, 'reduction': reduction, 'lengths': lengths,
                    'prediction': given(prediction), 'target': tokens(target) if name == 'crossEntropy' else given(target),
                    'value': short(value.item()), 'gradient': computed(prediction.grad),
                })
    write('losses', seed, cases=cases)


# A character language model -----------------------------------------------------------------------------------------

class LanguageModel(nn.Module):
    def __init__(self, kind, tokens, width, units, layers):
        super().__init__()
        self.width = width
        self.tokens = tokens
        self.embedding = nn.Embedding(tokens, width) if width else None
        self.recurrent = recurrent_module(kind, width or tokens, units, layers, False)
        self.dense = nn.Linear(units, tokens)

    def forward(self, x, state):
        signal = self.embedding(x) if self.width else functional.one_hot(x, self.tokens).double()
        output, state = self.recurrent(signal, state)
        return self.dense(output), state


def language_model(source, *, name, kind, width, make, optimizer, clip):
    size, rows, steps, count = 11, 4, 7, 10
    model = LanguageModel(kind, size, width, 8, 2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(source.numbers(*parameter.shape, reach=0.5))
    start = {key: given(value) for key, value in model.named_parameters()}
    stream = source.tokens(size, rows, steps * count + 1)
    step_optimizer = make(list(model.parameters()))
    recorded, norms, state = [], [], None
    for step in range(count):
        x = stream[:, step * steps:(step + 1) * steps]
        y = stream[:, step * steps + 1:(step + 1) * steps + 1]
        step_optimizer.zero_grad()
        logits, state = model(x, state)
        state = tuple(s.detach() for s in state) if kind == 'lstm' else state.detach()
        loss = functional.cross_entropy(logits.reshape(-1, size), y.reshape(-1))
        loss.backward()
        norms.append(short(math.sqrt(sum(float((p.grad ** 2).sum()) for p in model.parameters()))))
        if 'globalNorm' in clip:
            nn.utils.clip_grad_norm_(list(model.parameters()), clip['globalNorm'])
        else:
            nn.utils.clip_grad_value_(list(model.parameters()), clip['value'])
        step_optimizer.step()
        recorded.append(short(loss.item()))
    return {
        'name': name, 'kind': kind, 'tokens': size, 'width': width, 'units': 8, 'layers': 2, 'rows': rows, 'steps': steps, 'optimizer': optimizer,
        'clip': clip, 'start': start, 'stream': tokens(stream), 'losses': recorded, 'norms': norms,
        'end': {key: computed(value) for key, value in model.named_parameters()},
    }


def language_models(seed):
    source = Source(seed)
    write('language_model', seed, cases=[
        language_model(source, name='embedding, 2 x LSTM, Adam, clipped by global norm', kind='lstm', width=6,
                       make=lambda p: torch.optim.Adam(p, lr=0.01), optimizer={'kind': 'adam', 'options': {'learningRate': 0.01}},
                       clip={'globalNorm': 0.5}),
        language_model(source, name='one-hot, 2 x LSTM, RMSprop, clipped by value', kind='lstm', width=0,
                       make=lambda p: torch.optim.RMSprop(p, lr=2e-3, alpha=0.95, eps=1e-8),
                       optimizer={'kind': 'rmsprop', 'options': {'learningRate': 2e-3, 'decay': 0.95, 'epsilon': 1e-8}}, clip={'value': 5}),
        language_model(source, name='embedding, 2 x GRU, SGD with momentum, clipped by value', kind='gru', width=6,
                       make=lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
                       optimizer={'kind': 'sgd', 'options': {'learningRate': 0.05, 'momentum': 0.9}}, clip={'value': 0.05}),
    ])


if __name__ == '__main__':
    for offset, cell in enumerate(('rnn_tanh', 'rnn_relu', 'lstm', 'gru', 'lstm_projection')):
        recurrent(cell, 1000 + offset)
    optimizers(2000)
    losses(3000)
    language_models(4000)
