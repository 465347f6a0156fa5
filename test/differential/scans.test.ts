import * as g from '../../lib/graph/index.ts';
import { assertAgreement, floats, graphOf, needsNative } from './support.ts';
import { gru, lossAndGradients, lstm, peephole, standardized } from './cells.ts';

const [steps, rows, width, units] = [5, 3, 4, 6];

describe('scans on the engine', () => {
  needsNative();
  const sequence = (): g.Value => floats('x', steps, rows, width);
  const initial = (name = 'h0', ...shape: number[]): g.Value => floats(name, ...(shape.length > 0 ? shape : [rows, width]));

  it('runs a recurrence in both directions', () => {
    for (const reverse of [false, true]) {
      const { final, outputs } = g.scan({
        initial: { h: initial() }, inputs: { x: sequence() }, reverse,
        step: ({ h, x }) => { const next = g.tanh(g.add(g.multiply(h, 0.5), x)); return { next: { h: next }, outputs: { y: g.square(next), before: h, after: next } }; },
      });
      assertAgreement(graphOf({ ...outputs, h: final.h }));
    }
  });

  it('keeps carried values apart that change places', () => {
    const { final, outputs } = g.scan({
      initial: { a: initial('a'), b: initial('b'), c: initial('c') }, inputs: { x: sequence() },
      step: ({ a, b, c, x }) => ({ next: { a: b, b: g.add(a, x), c }, outputs: { a, sum: g.add(a, g.add(b, c)) } }),
    });
    assertAgreement(graphOf({ ...final, ...outputs }));
  });

  it('ends where the lengths say', () => {
    const lengths = g.input('lengths', [rows], 'int32');
    const { final, outputs } = g.scan({
      initial: { h: initial() }, inputs: { x: sequence() }, lengths, reverse: true,
      step: ({ h, x, step }) => { const next = g.add(g.multiply(h, 0.7), g.multiply(x, g.cast(step, 'float32'))); return { next: { h: next }, outputs: { y: next } }; },
    });
    assertAgreement(graphOf({ h: final.h, y: outputs.y }));
  });

  describe('begins with what is read again', () => {
    type Reading = (start: g.Value, part: g.Value) => { captured?: g.Value; after?: (h: g.Value) => g.Value };
    const readings: Record<string, Reading> = {
      'after the loop': (start) => ({ after: (h) => g.add(h, start) }),
      'through a view': (start) => ({ after: (h) => g.add(h, g.reverse(start, [0])) }),
      'in the loop': (start) => ({ captured: start }),
      'by the next loop': (start) => ({ after: (h) => g.scan({ initial: { k: h }, inputs: { x: floats('further', steps, rows, width) }, step: ({ k, x }) => ({ next: { k: g.tanh(g.add(g.multiply(k, start), x)) } }) }).final.k }),
      'a part of it': (_start, part) => ({ after: (h) => g.add(h, g.broadcast(g.sum(part), h.shape)) }),
    };
    for (const [name, reading] of Object.entries(readings)) {
      for (const length of [1, steps]) {
        it(`${name}, ${length} step(s)`, () => {
          for (const reverse of [false, true]) {
            const made = g.tanh(g.matmul(floats('v', rows, width), floats('w', width, width)));
            const part = g.sigmoid(floats('p', rows, width / 2));
            const start = name === 'a part of it' ? g.concat([part, g.sigmoid(floats('q', rows, width / 2))], 1) : made;
            const { captured, after } = reading(start, part);
            const { final } = g.scan({
              initial: { h: start }, inputs: { x: floats('x', length, rows, width) }, reverse,
              step: ({ h, x }) => ({ next: { h: g.tanh(g.add(g.matmul(h, floats('u', width, width)), captured ? g.multiply(x, g.maximum(h, captured)) : x)) } }),
            });
            assertAgreement(graphOf({ y: after ? after(final.h) : final.h }));
          }
        });
      }
    }
  });

  it('multiplies by all states of a loop that begins with weights or constants', () => {
    const weights: g.Variable = { name: 'start', shape: [units], type: 'float32' };
    for (const start of [g.broadcast(g.variable(weights), [rows, units]), g.constant(Array.from({ length: rows * units }, (_, i) => Math.sin(i)), [rows, units])]) {
      const { outputs } = g.scan({
        initial: { h: start }, inputs: { x: floats('x', steps, rows, units) },
        step: ({ h, x }) => { const next = g.tanh(g.add(g.multiply(h, 0.5), x)); return { next: { h: next }, outputs: { h: next } }; },
      });
      assertAgreement(graphOf({ y: g.matmul(floats('a', 2, steps * rows), g.reshape(outputs.h, [steps * rows, units])) }), { variables: [weights] });
    }
  });

  it('brings together what is computed of columns without going in circles', () => {
    const half = (value: g.Value, begin: number): g.Value => g.sliceAxis(value, 1, begin, width / 2);
    const mixed = (value: g.Value): g.Value => g.concat([half(value, 0), g.tanh(half(value, width / 2))], 1);
    const { final, outputs } = g.scan({
      initial: { h: initial() }, length: steps,
      step: ({ h }) => ({ next: { h: g.tanh(g.tanh(mixed(h))) }, outputs: { y: g.tanh(mixed(g.tanh(h))) } }),
    });
    assertAgreement(graphOf({ h: final.h, y: outputs.y }));
  });

  it('mixes rows where the body does', () => {
    const { final, outputs } = g.scan({
      initial: { h: initial() }, inputs: { x: sequence() },
      step: ({ h, x }) => {
        const scores = g.softmax(g.matmul(x, h, { transposeB: true }));
        const next = g.tanh(g.matmul(scores, h));
        return { next: { h: next }, outputs: { total: g.sum(next), rowsReversed: g.reverse(next, [0]) } };
      },
    });
    assertAgreement(graphOf({ h: final.h, ...outputs }));
  });

  it('unrolls a scan in a scan', () => {
    const { final } = g.scan({
      initial: { h: initial() }, inputs: { x: sequence() },
      step: ({ h, x }) => {
        const inner = g.scan({ initial: { k: h }, length: 3, reverse: true, step: ({ k, step }) => ({ next: { k: g.add(g.multiply(k, 0.5), g.multiply(x, g.cast(step, 'float32'))) }, outputs: { k } }) });
        return { next: { h: g.add(inner.final.k, g.sum(inner.outputs.k, [0])) } };
      },
    });
    assertAgreement(graphOf({ h: final.h }));
  });

  for (const [name, cell] of Object.entries({ lstm, gru, peephole, standardized })) {
    it(`runs ${name} forwards and backwards`, () => {
      const { values } = lossAndGradients(cell, { steps, rows, width, units });
      assertAgreement(graphOf(values));
    });
  }
});
