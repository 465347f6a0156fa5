import { writeMidi, type MidiEvent } from 'midi-file';

interface Press {
  readonly tick: number;
  readonly on: boolean;
  readonly note: number;
}

/** When notes are pressed and released: one that two chords share is held. At one moment notes are released first. */
function presses(chords: readonly (readonly number[])[], ticks: number): Press[] {
  const list: Press[] = [];
  for (let i = 0; i <= chords.length; i++) {
    const [before, now] = [chords[i - 1] ?? [], chords[i] ?? []];
    for (const note of before) if (!now.includes(note)) list.push({ tick: i * ticks, on: false, note });
    for (const note of now) if (!before.includes(note)) list.push({ tick: i * ticks, on: true, note });
  }
  return list;
}

/**
 * A standard MIDI file of chords of one quarter each, for a church organ.
 * @param chords MIDI notes, 0 to 127.
 */
export function midiFile(chords: readonly (readonly number[])[], beatsPerMinute = 80): Uint8Array {
  const ticksPerBeat = 96;
  let tick = 0;
  const events: MidiEvent[] = [
    { deltaTime: 0, type: 'setTempo', microsecondsPerBeat: Math.round(6e7 / beatsPerMinute) },
    { deltaTime: 0, type: 'programChange', channel: 0, programNumber: 19 },
  ];
  for (const press of presses(chords, ticksPerBeat)) {
    events.push({ deltaTime: press.tick - tick, type: press.on ? 'noteOn' : 'noteOff', channel: 0, noteNumber: press.note, velocity: press.on ? 80 : 0 });
    tick = press.tick;
  }
  events.push({ deltaTime: 0, type: 'endOfTrack' });
  return Uint8Array.from(writeMidi({ header: { format: 0, numTracks: 1, ticksPerBeat }, tracks: [events] }));
}
