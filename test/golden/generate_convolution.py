#!/usr/bin/env python3
"""Writes convolution.json beside this file with PyTorch, in float64.

    python3 test/golden/generate_convolution.py

Data lies as in bptt: sequences [N, T, C], images [N, H, W, C], filters [kernel..., C, F]. Numbers that go in are multiples of 1/256.
"""
import torch
from torch import nn
from torch.nn import functional

import generate
from generate import Source, computed, given


def inside(x):
    """[N, ..., C] as PyTorch has it, [N, C, ...]."""
    return x.movedim(-1, 1)


def outside(x):
    return x.movedim(1, -1)


def filters(weight):
    """[kernel..., C, F] as PyTorch has it, [F, C, kernel...]."""
    return weight.movedim(-1, 0).movedim(-1, 1)


def normalized(weights, prefix):
    """PyTorch's own weight normalisation of the filters, or the filters."""
    if f'{prefix}weight' in weights:
        return filters(weights[f'{prefix}weight'])
    v = filters(weights[f'{prefix}weight_v'])
    g = weights[f'{prefix}weight_g'].reshape(-1, *[1] * (v.dim() - 1))
    return torch._weight_norm(v, g, 0)


def convolution(x, weights, prefix='', stride=1, dilation=1, before=(0, 0), padding=0):
    run = functional.conv1d if x.dim() == 3 else functional.conv2d
    bias = weights.get(f'{prefix}bias')
    return outside(run(functional.pad(inside(x), before), normalized(weights, prefix), bias, stride=stride, dilation=dilation, padding=padding))


def case(source, name, kind, options, shape, weights, compute):
    x = source.numbers(*shape).requires_grad_()
    tensors = {key: source.numbers(*size, reach=0.75).requires_grad_() for key, size in weights.items()}
    output = compute(x, tensors)
    upstream = source.numbers(*output.shape)
    gradients = torch.autograd.grad((output * upstream).sum(), [x, *tensors.values()])
    return {
        'name': name, 'layer': {'kind': kind, 'options': options}, 'input': given(x), 'weights': {key: given(value) for key, value in tensors.items()},
        'upstream': given(upstream), 'output': computed(output),
        'gradients': {'input': computed(gradients[0]), 'weights': {key: computed(value) for key, value in zip(tensors, gradients[1:])}},
    }


def tcn(x, weights, kernel, levels):
    for level in range(levels):
        dilation = 2 ** level
        y = x
        for name in ('convolution_1', 'convolution_2'):
            y = convolution(y, weights, f'block_{level}/{name}/', dilation=dilation, before=((kernel - 1) * dilation, 0)).relu()
        shortcut = f'block_{level}/shortcut/'
        x = (y + (convolution(x, weights, shortcut) if f'{shortcut}weight' in weights else x)).relu()
    return x


def tcn_weights(features, channels, kernel):
    weights = {}
    for level, width in enumerate(channels):
        for name, size in (('convolution_1', features), ('convolution_2', width)):
            prefix = f'block_{level}/{name}/'
            weights.update({f'{prefix}weight_g': (width,), f'{prefix}weight_v': (kernel, size, width), f'{prefix}bias': (width,)})
        if width != features:
            weights.update({f'block_{level}/shortcut/weight': (1, features, width), f'block_{level}/shortcut/bias': (width,)})
        features = width
    return weights


def recurrent(x, weights, iterations):
    normalize = nn.LocalResponseNorm(3, alpha=0.01, beta=0.75, k=1)
    respond = lambda z: outside(normalize(inside(z.relu())))
    fed = convolution(x, weights, padding='same')
    y = respond(fed)
    for _ in range(iterations):
        y = respond(fed + convolution(y, {'weight': weights['recurrent_weight']}, padding='same'))
    return y


def layers(seed):
    source = Source(seed)
    sequence, image = (2, 9, 3), (2, 6, 5, 3)
    weight = {'weight': (3, 3, 4), 'bias': (4,)}
    image_weight = {'weight': (3, 2, 3, 4), 'bias': (4,)}
    pool = lambda function, **options: lambda x, _: outside(function(inside(x), **options))
    generate.write('convolution', seed, by='generate_convolution.py', cases=[
        case(source, 'valid, stride 2', 'conv1d', {'filters': 4, 'kernel': 3, 'stride': 2}, sequence, weight, lambda x, w: convolution(x, w, stride=2)),
        case(source, 'valid, dilation 3', 'conv1d', {'filters': 4, 'kernel': 3, 'dilation': 3}, sequence, weight, lambda x, w: convolution(x, w, dilation=3)),
        case(source, 'same, dilation 2, no bias', 'conv1d', {'filters': 4, 'kernel': 4, 'dilation': 2, 'padding': 'same', 'bias': False}, sequence,
             {'weight': (4, 3, 4)}, lambda x, w: convolution(x, w, dilation=2, padding='same')),
        case(source, 'causal, dilation 2, weight normalisation, tanh', 'conv1d',
             {'filters': 4, 'kernel': 3, 'dilation': 2, 'padding': 'causal', 'weightNorm': True, 'activation': 'tanh'}, sequence,
             {'weight_g': (4,), 'weight_v': (3, 3, 4), 'bias': (4,)}, lambda x, w: convolution(x, w, dilation=2, before=(4, 0)).tanh()),
        case(source, 'valid', 'conv2d', {'filters': 4, 'kernel': [3, 2]}, image, image_weight, convolution),
        case(source, 'same, dilation 1 and 2, weight normalisation', 'conv2d', {'filters': 4, 'kernel': [3, 2], 'dilation': [1, 2], 'padding': 'same', 'weightNorm': True}, image,
             {'weight_g': (4,), 'weight_v': (3, 2, 3, 4), 'bias': (4,)}, lambda x, w: convolution(x, w, dilation=(1, 2), padding='same')),
        case(source, 'stride 2 and 3, padding 1', 'conv2d', {'filters': 4, 'kernel': 3, 'stride': [2, 3], 'padding': 'same'}, image,
             {'weight': (3, 3, 3, 4), 'bias': (4,)}, lambda x, w: convolution(x, w, stride=(2, 3), padding=1)),
        case(source, 'size 3, stride 2', 'maxPooling1d', {'size': 3, 'stride': 2}, sequence, {}, pool(functional.max_pool1d, kernel_size=3, stride=2)),
        case(source, 'size 2', 'averagePooling1d', {'size': 2}, sequence, {}, pool(functional.avg_pool1d, kernel_size=2)),
        case(source, 'size 3, stride 2, padding 1', 'maxPooling2d', {'size': 3, 'stride': 2, 'padding': 'same'}, image, {}, pool(functional.max_pool2d, kernel_size=3, stride=2, padding=1)),
        case(source, 'size 3, stride 1, padding 1', 'averagePooling2d', {'size': 3, 'stride': 1, 'padding': 'same'}, image, {},
             pool(functional.avg_pool2d, kernel_size=3, stride=1, padding=1, count_include_pad=False)),
        case(source, 'size 4', 'localResponseNormalization', {'size': 4, 'alpha': 0.5, 'beta': 0.6}, (2, 3, 2, 7), {},
             lambda x, _: outside(nn.LocalResponseNorm(4, alpha=0.5, beta=0.6, k=1)(inside(x)))),
        case(source, 'two blocks, one with a shortcut of kernel 1', 'tcn', {'channels': [4, 4], 'kernel': 3}, sequence, tcn_weights(3, [4, 4], 3), lambda x, w: tcn(x, w, 3, 2)),
        case(source, 'three iterations', 'recurrentConvolution1d', {'filters': 4, 'kernel': 3, 'normalization': {'size': 3, 'alpha': 0.01}}, sequence,
             {**weight, 'recurrent_weight': (3, 4, 4)}, lambda x, w: recurrent(x, w, 3)),
        case(source, 'two iterations', 'recurrentConvolution2d', {'filters': 4, 'kernel': [3, 2], 'recurrentKernel': 3, 'iterations': 2, 'normalization': {'size': 3, 'alpha': 0.01}}, image,
             {**image_weight, 'recurrent_weight': (3, 3, 4, 4)}, lambda x, w: recurrent(x, w, 2)),
    ])


if __name__ == '__main__':
    layers(5000)
