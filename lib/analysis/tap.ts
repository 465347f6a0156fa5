import { requireInteger, requireNumber, wrongType } from '../checks.ts';
import { BpttError, describe, nearest } from '../errors.ts';
import { input } from '../graph/index.ts';
import { activationNames, applyActivation } from '../layers/activation.ts';
import type { ActivationName } from '../layers/activation.ts';
import { Interpreter } from '../runtime/reference/interpreter.ts';

/** A value that the map h ↦ f(w h) leaves where it is. */
export interface FixedPoint {
  readonly value: number;
  /** Of the map there; at a kink the steeper side's. A small distance from the point is multiplied by it at every step. */
  readonly slope: number;
  /** Whether what begins near it comes nearer: |slope| < 1. */
  readonly stable: boolean;
}

/** Two values that the map h ↦ f(w h) exchanges. */
export interface TwoCycle {
  readonly values: readonly [number, number];
  /** Of two steps of the map: the product of the slopes at both values. */
  readonly slope: number;
  readonly stable: boolean;
}

/** What one unit that feeds itself does: h(t+1) = f(w h(t)). */
export interface TapMap {
  readonly kind: 'tap';
  /** Name of f; "custom" for a function of one's own. */
  readonly activation: string;
  readonly weight: number;
  readonly start: number;
  /** h(0) … h(steps). */
  readonly trajectory: Float64Array;
  /** What becomes of it if it goes on (100,000 steps are tried); "undecided" where it settles too slowly to tell. */
  readonly behaviour: 'converges' | 'cycles' | 'diverges' | 'undecided';
  /** Where it ends; null unless it converges. */
  readonly limit: number | null;
  /** The two values that it ends between, the larger one first; null unless it cycles. */
  readonly cycle: readonly [number, number] | null;
  /** Whether −h(0) ends elsewhere: what was stored is remembered. */
  readonly remembers: boolean;
  /** All that were found, from the least to the greatest. Of values that are all fixed (relu or linear with w = 1) the one nearest to 0. */
  readonly fixedPoints: readonly FixedPoint[];
  readonly twoCycles: readonly TwoCycle[];
  /** Slope of ln |h(t) − limit| over t, of ln |h(t)| where it diverges: near 0 it is ln |w f′(0)|. null where there is nothing to fit. */
  readonly rate: number | null;
}

type Map1 = (h: number) => number;
/** An activation of one number: those over all features are left out. */
export type TapActivation = Exclude<ActivationName, 'softmax' | 'logSoftmax'>;

const tapActivations = activationNames.filter((name): name is TapActivation => name !== 'softmax' && name !== 'logSoftmax');

const mostSteps = 100_000;
/** Beyond it a trajectory is taken to grow for ever. */
const far = 1e12;
/** Half of the grid that roots are looked for on; an even number of intervals puts 0 on it. */
const gridHalf = 4000;

/** A function whose results are numbers. */
function numeric(f: Map1): Map1 {
  return (h) => {
    const result: unknown = f(h);
    if (typeof result === 'number') return result;
    throw wrongType('tap', `f(${h})`, 'a number', result);
  };
}

/** A map that has a value wherever a trajectory leads. */
function everywhere(map: Map1, w: number): Map1 {
  return (h) => {
    const next = map(h);
    if (!Number.isNaN(next) || Number.isNaN(w * h) || !Number.isFinite(h)) return next;
    throw new BpttError('ERR_BPTT_NON_FINITE', `tap: expected f to give a number all along the trajectories from h0 and −h0, received NaN at f(${w * h}); choose an f that is defined there, or another h0`,
      { expected: 'a number', received: next });
  };
}

function activationFunction(f: TapActivation | Map1): { name: string; apply: Map1 } {
  if (typeof f === 'function') return { name: 'custom', apply: numeric(f) };
  if (!tapActivations.includes(f)) {
    const hint = typeof f === 'string' ? nearest(f, tapActivations) : undefined;
    throw new BpttError('ERR_BPTT_OPTION', `tap: expected f to be a function or one of ${tapActivations.join(', ')}, received ${describe(f)}${hint ? `; did you mean "${hint}"?` : ''}`,
      { expected: tapActivations, received: f });
  }
  const at = new Float64Array(1);
  const roots = [applyActivation(f, input('h', [1], 'float32'))];
  const interpreter = new Interpreter({ inputs: { h: at } });
  return {
    name: f,
    apply: (h) => {
      at[0] = h;
      return interpreter.evaluate(roots, new Map())[0]!.data[0]!;
    },
  };
}

/** The steeper of the two one-sided slopes where they differ, else the central difference of fourth order. */
function slopeAt(map: Map1, h: number): number {
  const step = 1e-4 * Math.max(1, Math.abs(h));
  const [right, left] = [(map(h + step) - map(h)) / step, (map(h) - map(h - step)) / step];
  if (Math.abs(right - left) > 1e-2) return Math.abs(right) > Math.abs(left) ? right : left;
  return (8 * (map(h + step) - map(h - step)) - (map(h + 2 * step) - map(h - 2 * step))) / (12 * step);
}

function bisect(residual: Map1, low: number, high: number): number {
  let [a, b] = [low, high];
  const sign = Math.sign(residual(a));
  for (let i = 0; i < 200 && a < b; i++) {
    const middle = (a + b) / 2;
    if (middle <= a || middle >= b) break;
    const at = residual(middle);
    if (at === 0) return middle;
    if (Math.sign(at) === sign) a = middle;
    else b = middle;
  }
  return Math.abs(residual(a)) < Math.abs(residual(b)) ? a : b;
}

/** Where map(h) = h within ±reach: changes of sign, and grid points that are roots themselves (of a run of those, the one nearest to 0). */
function solve(map: Map1, reach: number): number[] {
  const residual = (h: number): number => map(h) - h;
  const roots: number[] = [];
  let run: number[] = [];
  const endRun = (): void => {
    if (run.length > 0) roots.push(run.reduce((best, at) => (Math.abs(at) < Math.abs(best) ? at : best)));
    run = [];
  };
  let [before, was] = [-reach, residual(-reach)];
  for (let i = -gridHalf; i <= gridHalf; i++) {
    const h = (reach * i) / gridHalf;
    const now = residual(h);
    if (now === 0) run.push(h);
    else {
      endRun();
      if (was !== 0 && Math.sign(now) * Math.sign(was) < 0) roots.push(bisect(residual, before, h));
    }
    [before, was] = [h, now];
  }
  endRun();
  return roots;
}

interface Fate {
  readonly behaviour: TapMap['behaviour'];
  /** As far as it was followed. */
  readonly path: readonly number[];
  readonly end: number;
}

/** Follows a trajectory until it rests, alternates or runs away. */
function follow(map: Map1, start: number): Fate {
  const path = [start];
  let [before, now] = [NaN, start];
  for (let t = 0; t < mostSteps; t++) {
    const next = map(now);
    path.push(next);
    if (!(Math.abs(next) <= far)) return { behaviour: 'diverges', path, end: next };
    const near = 1e-13 * Math.max(1, Math.abs(next));
    if (Math.abs(next - now) <= near && next !== 0 && Math.abs(next) < 1e-12) return { behaviour: 'converges', path, end: 0 };
    if (Math.abs(next - now) <= near) return { behaviour: 'converges', path, end: next };
    if (Math.abs(next - before) <= near && Math.abs(next - now) > 1e-9) return { behaviour: 'cycles', path, end: next };
    [before, now] = [now, next];
  }
  return { behaviour: 'undecided', path, end: now };
}

/** Least squares slope of ln of the distances over time, where they are small enough for the map to be straight and large enough to be exact. */
function fitRate({ behaviour, path }: Fate, limit: number | null): number | null {
  const diverges = behaviour === 'diverges';
  if (!diverges && limit === null) return null;
  const distances = path.map((h) => Math.abs(h - (limit ?? 0)));
  const usable = distances.map((distance, t) => ({ t, distance })).filter(({ distance }) => (
    diverges ? distance > 0 && Number.isFinite(distance) : distance > 1e-9 * Math.max(1, Math.abs(limit!)) && distance < 1e-4 * Math.max(1, Math.abs(limit!))));
  const points = diverges ? usable.slice(Math.floor(usable.length / 2)) : usable;
  if (points.length < 3) return null;
  const mean = (of: (point: { t: number; distance: number }) => number): number => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [time, height] = [mean(({ t }) => t), mean(({ distance }) => Math.log(distance))];
  return mean(({ t, distance }) => (t - time) * (Math.log(distance) - height)) / mean(({ t }) => (t - time) ** 2);
}

function findTwoCycles(map: Map1, reach: number, fixed: readonly number[]): TwoCycle[] {
  const isFixed = (h: number): boolean => fixed.some((point) => Math.abs(point - h) < 1e-7 * Math.max(1, Math.abs(h)));
  const found: TwoCycle[] = [];
  for (const low of solve((h) => map(map(h)), reach)) {
    const high = map(low);
    if (isFixed(low) || high < low || Math.abs(high - low) < 1e-7) continue;
    const slope = slopeAt(map, low) * slopeAt(map, high);
    found.push({ values: [high, low], slope, stable: Math.abs(slope) < 1 });
  }
  return found;
}

function cycleAt(map: Map1, end: number, known: readonly TwoCycle[]): readonly [number, number] {
  const other = map(end);
  const [high, low] = [Math.max(end, other), Math.min(end, other)];
  return known.find(({ values }) => Math.abs(values[0] - high) < 1e-6 && Math.abs(values[1] - low) < 1e-6)?.values ?? [high, low];
}

function sameEnd(a: Fate, b: Fate, map: Map1): boolean {
  if (a.behaviour !== b.behaviour) return false;
  if (a.behaviour === 'diverges') return Math.sign(a.end) === Math.sign(b.end);
  const near = (x: number, y: number): boolean => Math.abs(x - y) < 1e-6 * Math.max(1, Math.abs(x));
  return near(a.end, b.end) || (a.behaviour === 'cycles' && near(map(a.end), b.end));
}

/**
 * The stability of one unit that feeds itself, h(t+1) = f(w h(t)): its trajectory, where it ends, its fixed points and cycles of two, and how fast it gets
 * there. tanh with w > 1 keeps the sign of what was stored; sigmoid forgets it; relu with w > 1 grows for ever.
 *
 * ```ts
 * tap('tanh', 1.5, 0.01, 40).limit; // 0.8586…, and −0.8586… from −0.01
 * ```
 * @param f an activation of the library or a function of one number.
 * @param steps length of the trajectory, 1 or more; the behaviour is judged beyond it.
 * @throws ERR_BPTT_OPTION for an unknown activation; ERR_BPTT_RANGE or ERR_BPTT_TYPE for numbers that do not fit; ERR_BPTT_NON_FINITE for a function that gives NaN on the way
 * from h0 or −h0.
 */
export function tap(f: TapActivation | Map1, w: number, h0: number, steps: number): TapMap {
  const { name, apply } = activationFunction(f);
  requireNumber('tap', 'w', w, -Number.MAX_VALUE, Number.MAX_VALUE);
  requireNumber('tap', 'h0', h0, -Number.MAX_VALUE, Number.MAX_VALUE);
  requireInteger('tap', 'steps', steps, 1, mostSteps);
  const map = (h: number): number => apply(w * h);
  const onTheWay = everywhere(map, w);
  const trajectory = new Float64Array(steps + 1);
  trajectory[0] = h0;
  for (let t = 0; t < steps; t++) trajectory[t + 1] = onTheWay(trajectory[t]!);
  const fate = follow(onTheWay, h0);
  const bounded = fate.behaviour === 'diverges' ? [h0] : fate.path;
  const reach = 1.5 * Math.max(1, ...bounded.slice(-1000).map(Math.abs), Math.abs(h0));
  const fixed = solve(map, reach);
  const nearestFixed = fixed.find((point) => Math.abs(point - fate.end) < 1e-6 * Math.max(1, Math.abs(point)));
  const limit = fate.behaviour === 'converges' ? nearestFixed ?? fate.end : null;
  const twoCycles = findTwoCycles(map, reach, fixed);
  return {
    kind: 'tap', activation: name, weight: w, start: h0, trajectory, behaviour: fate.behaviour, limit, twoCycles,
    cycle: fate.behaviour === 'cycles' ? cycleAt(map, fate.end, twoCycles) : null,
    remembers: !sameEnd(fate, follow(onTheWay, -h0), map),
    fixedPoints: fixed.map((value) => ({ value, slope: slopeAt(map, value), stable: Math.abs(slopeAt(map, value)) < 1 })),
    rate: fitRate(fate, limit),
  };
}
