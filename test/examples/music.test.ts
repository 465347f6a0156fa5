import assert from 'node:assert/strict';
import { parseMidi } from 'midi-file';
import { run } from '../../examples/chorales.ts';
import { midiFile } from '../../examples/support/midi.ts';
import { needEngine, withData } from './withData.ts';

describe('examples: music', function () {
  this.timeout(600_000);
  needEngine();

  it('MIDI files hold the notes that were written, and hold those that go on', () => {
    const { header, tracks } = parseMidi(midiFile([[60, 64], [60, 65], [62]]));
    assert.equal(header.ticksPerBeat, 96);
    let tick = 0;
    const played = tracks[0]!.flatMap((event) => {
      tick += event.deltaTime;
      return event.type === 'noteOn' || event.type === 'noteOff' ? [[tick, event.type === 'noteOn' ? '+' : '-', event.noteNumber]] : [];
    });
    assert.deepEqual(played, [[0, '+', 60], [0, '+', 64], [96, '-', 64], [96, '+', 65], [192, '-', 60], [192, '-', 65], [192, '+', 62], [288, '-', 62]]);
  });

  withData('jsb_chorales/jsb_chorales_pianoroll88.json.gz', 'chorales: chords are foretold from those before, and a new piece has four voices [slow]', async () => {
    const { loss, alwaysTheSame, piece } = await run({ epochs: 8, units: 64, dropout: 0.1, batch: 6, quarters: 32 });
    assert.ok(Math.abs(alwaysTheSame - 11.09) < 0.05, `key frequencies ${alwaysTheSame}`);
    assert.ok(loss < 10, `${loss}`);
    assert.equal(piece.length, 32);
    assert.ok(piece.slice(1).every((chord) => chord.length === 4 && chord.every((key) => key >= 0 && key < 88)));
    assert.ok(new Set(piece.map(String)).size > 8, 'the piece moves');
  });
});
