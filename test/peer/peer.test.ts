import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { convertKeras } from './keras.ts';
import type { KerasCase } from './keras.ts';
import { convertOnnx } from './onnx.ts';
import type { OnnxCase } from './onnx.ts';
import { isLeftOut } from './plan.ts';
import type { Converted, PeerCase } from './plan.ts';
import { runPeerCase } from './run.ts';

/** Where other libraries' own test cases lie: outside of the project, for they are theirs. */
const folder = process.env.BPTT_PEER_CASES ?? path.resolve(import.meta.dirname, '../../../shared/peer-cases');

interface Peer {
  readonly name: string;
  readonly file: string;
  /** How many cases ran when this was last looked at: fewer means that something stopped being converted. */
  readonly floor: number;
  convert(source: unknown, index: number): Converted;
}

const peers: readonly Peer[] = [
  { name: 'Keras', file: 'keras.json', floor: 127, convert: (source, index) => convertKeras(source as KerasCase, index) },
  { name: 'onnxruntime', file: 'onnxruntime_cpu_rnn.json', floor: 135, convert: (source, index) => convertOnnx(source as OnnxCase, index) },
];

for (const peer of peers) {
  const file = path.join(folder, peer.file);
  describe(`peer cases: ${peer.name}`, () => {
    if (!existsSync(file)) {
      it(`skipped: no ${file} (BPTT_PEER_CASES names the folder)`);
      return;
    }
    const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: unknown[] };
    const converted = cases.map((source, index) => peer.convert(source, index));
    const ready = converted.filter((one): one is PeerCase => !isLeftOut(one));
    let passed = 0;

    for (const one of ready) {
      it(one.name, () => {
        runPeerCase(one);
        passed++;
      });
    }

    it(`runs at least ${peer.floor} of ${cases.length} cases`, () => {
      assert.ok(ready.length >= peer.floor, `${ready.length} cases run, ${peer.floor} ran before`);
    });

    after(() => {
      console.log(`    ${peer.name}: ${cases.length} cases, ${ready.length} run, ${passed} agree`);
      for (const one of converted.filter(isLeftOut)) console.log(`    left out: ${one.name}: ${one.reason}`);
    });
  });
}
