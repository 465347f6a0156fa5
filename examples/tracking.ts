// Follows things that move through noise: from uncertain positions, one after the other, says where the thing really is, and where it will be next.
// Beside it the Kalman filter (R. Kalman, 1960) of a steady motion, which does not know that things turn.
// npx tsx examples/tracking.ts
import { adam, dense, lstm, sequential, squaredError, Trainer } from '../lib/index.ts';
import { sequences, type SequenceExample } from '../lib/data/index.ts';
import { Random } from './support/random.ts';
import { start, type Telling } from './support/start.ts';

export const defaults = { epochs: 15, units: 48, learningRate: 4e-3, tracks: 1500, steps: 40, seed: 1 };

const noise = 0.3;
const dropped = 0.1;

type Point = readonly [x: number, y: number];

interface Track {
  readonly positions: readonly Point[];
  /** What the radar saw; null where it saw nothing. */
  readonly seen: readonly (Point | null)[];
}

/** A car: steady speed, and a steering wheel that is now and then turned. */
function drive(random: Random, steps: number): Track {
  let [x, y, heading, turn] = [0, 0, random.uniform(0, 2 * Math.PI), 0];
  const speed = random.uniform(0.1, 0.4);
  const positions = Array.from({ length: steps + 1 }, (): Point => {
    if (random.uniform() < 0.1) turn = random.pick([-0.25, 0, 0.25]);
    heading += turn;
    x += speed * Math.cos(heading);
    y += speed * Math.sin(heading);
    return [x, y];
  });
  const seen = positions.map(([px, py]): Point | null => (random.uniform() < dropped ? null : [px + noise * random.normal(), py + noise * random.normal()]));
  return { positions, seen: [seen[0] ?? [positions[0]![0], positions[0]![1]], ...seen.slice(1)] };
}

/** The network sees and says steps from one sighting to the next, so that it does not matter where the track lies. */
function example({ positions, seen }: Track): SequenceExample {
  let last: Point = seen[0]!;
  const input: number[][] = [];
  const target: number[][] = [];
  for (let step = 0; step < positions.length - 1; step++) {
    const sight = seen[step]!;
    input.push(sight ? [sight[0] - last[0], sight[1] - last[1], 1] : [0, 0, 0]);
    last = sight ?? last;
    target.push([...positions[step]!.map((place, i) => place - last[i]!), ...positions[step + 1]!.map((place, i) => place - last[i]!)]);
  }
  return { input, target };
}

/** Mean squared distance after the first 10 steps, of the position now and of the next one, when the track is filtered as a steady motion with random pushes. */
function kalman(tracks: readonly Track[], push: number): [now: number, next: number] {
  const sums: [number, number] = [0, 0];
  let count = 0;
  for (const { positions, seen } of tracks) {
    for (const axis of [0, 1] as const) {
      let [place, speed] = [seen[0]![axis], 0];
      let [pp, pv, vv] = [noise ** 2, 0, 0.1];
      for (let step = 1; step < positions.length - 1; step++) {
        place += speed;
        [pp, pv, vv] = [pp + 2 * pv + vv + push / 4, pv + vv + push / 2, vv + push];
        const sight = seen[step];
        if (sight) {
          const [gain, gainSpeed] = [pp / (pp + noise ** 2), pv / (pp + noise ** 2)];
          const surprise = sight[axis] - place;
          [place, speed] = [place + gain * surprise, speed + gainSpeed * surprise];
          [pp, pv, vv] = [(1 - gain) * pp, (1 - gain) * pv, vv - gainSpeed * pv];
        }
        if (step < 10) continue;
        sums[0] += (place - positions[step]![axis]) ** 2;
        sums[1] += (place + speed - positions[step + 1]![axis]) ** 2;
        count += axis;
      }
    }
  }
  return [sums[0] / count, sums[1] / count];
}

/** @returns root mean squared distances from the true place after ten steps, now and one step ahead: the network's, the Kalman filter's best, and a sighting's own. */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<{ now: number; next: number; kalmanNow: number; kalmanNext: number; sighting: number }> {
  const { epochs, units, learningRate, tracks, steps, seed, tell } = { ...defaults, ...options };
  const random = new Random(seed, 'tracks');
  const all = Array.from({ length: tracks + 300 }, () => drive(random, steps));
  const test = all.slice(tracks);
  const model = sequential([lstm({ units }), dense({ units: 4 })], { input: { features: 3 }, seed });
  const trainer = new Trainer(model, { loss: squaredError(), optimizer: adam({ learningRate }), clip: { globalNorm: 1 }, seed });
  for await (const { kind, epoch, loss } of trainer.fit(sequences(all.slice(0, tracks).map(example), { batch: 30, shuffle: true, seed }), { epochs })) {
    if (kind === 'epoch') tell?.(`epoch ${epoch}: loss ${loss.toFixed(5)}`);
  }
  const examples = test.map(example);
  const { output } = await model.predict(examples.map(({ input }) => input as number[][]));
  const errors = [0, 0];
  examples.forEach(({ target }, row) => {
    const said = output.row(row).data;
    (target as number[][]).forEach((numbers, step) => {
      if (step >= 10) numbers.forEach((number, i) => { errors[i >> 1]! += (said[step * 4 + i]! - number) ** 2; });
    });
  });
  const count = test.length * (steps - 10);
  const pushes = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2].map((push) => kalman(test, push));
  const root = (mean: number): number => Math.sqrt(mean);
  return {
    now: root(errors[0]! / count), next: root(errors[1]! / count),
    kalmanNow: root(Math.min(...pushes.map(([now]) => now))), kalmanNext: root(Math.min(...pushes.map(([, next]) => next))), sighting: noise * Math.SQRT2,
  };
}

await start(import.meta.url, defaults, run);
