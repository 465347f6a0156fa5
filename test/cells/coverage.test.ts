import assert from 'node:assert/strict';
import * as cells from '../../lib/cells/index.ts';
import type { Cell } from '../../lib/cells/index.ts';
import { testedCells } from '../support/cell-conformance.ts';
import './conformance.test.ts';
import './gru.test.ts';
import './jozefowicz.test.ts';
import './layerNorm.test.ts';
import './lstm.test.ts';
import './odyssey.test.ts';
import './projection.test.ts';

/** Cells whose gradient is not that of their equations, which the conformance tests ask for: those that truncate it on purpose. */
const truncated = ['elman'];

describe('conformance of the cells', () => {
  it('no cell of the package is without its call of testCell', () => {
    const all = Object.entries(cells).filter(([name, value]) => name.endsWith('Cell') && typeof value === 'object').map(([, value]) => (value as unknown as Cell).name);
    assert.ok(all.length >= 26);
    assert.deepEqual(all.filter((name) => !testedCells.has(name)), truncated);
  });
});
