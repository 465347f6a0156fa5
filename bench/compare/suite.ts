/** Our engine against others: each in its own process, the same work, the same numbers in, results compared before anything is timed. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { readBundle, writeBundle, type Bundle } from '../support/bundle.ts';
import type { Context } from '../support/context.ts';
import { timed, timedAsync, timedInBatches } from '../support/interleave.ts';
import { compareBundles, flopsOf, formatSize, LayerWork, type CellName, type LayerMode, type LayerSize } from '../support/layerWork.ts';
import { benchOutput } from '../support/nativeBench.ts';
import { ServeWork } from '../support/serveWork.ts';
import { layerSizes, middleSize } from '../support/shapes.ts';
import { compareLosses, TrainWork, trainWorkNames, trainWorks, type TrainWorkName } from '../support/trainWork.ts';
import { predictSizes, streamSize } from '../serve/suite.ts';
import { measureEventLoop } from '../train/suite.ts';
import { Peers, type PeerName } from './peers.ts';
import { fight, type Ready, type Rival } from './rivals.ts';

/** Of the largest number: sums of thousands of float32 products in another order. */
const tolerance = 1e-4;
/** Of one call of a stream step's answers together: see the peers' batches. */
const stepsAtOnce = 20;

const given = path.join(benchOutput, 'given.bin');
const answered = path.join(benchOutput, 'answered.bin');

/** The words that a peer prepares work with. */
type Words = readonly (string | number)[];

async function openWith(peers: Peers, name: PeerName, words: Words, numbers: Bundle, expected: Bundle, note?: string): Promise<Ready> {
  writeBundle(given, numbers);
  const peer = peers.get(name);
  const { version } = await peer.ask(...words, given, answered);
  const difference = compareBundles(expected, readBundle(answered), tolerance);
  return { subject: peer, version: String(version), difference, note };
}

function layerRival(peers: Peers, name: PeerName, label: string, cell: CellName, size: LayerSize, mode: LayerMode, work: LayerWork): Rival {
  const { steps, rows, features, units } = size;
  const note = name === 'pytorch' && cell !== 'peephole' && mode === 'train' ? 'the peer has two biases and their gradients' : undefined;
  return {
    label,
    open: () => {
      work.run();
      return openWith(peers, name, ['layer', cell, steps, rows, features, units, mode], work.numbers, work.results(), note);
    },
  };
}

async function compareLayer(context: Context, peers: Peers, threads: number, cell: CellName, size: LayerSize, mode: LayerMode): Promise<void> {
  const name = `layer ${mode} ${cell} ${formatSize(size)}`;
  await context.attempt('compare', name, async () => {
    const work = new LayerWork(context.runtime, cell, size, mode);
    const rivals: Rival[] = [];
    if (cell === 'peephole') rivals.push(layerRival(peers, 'pytorch', 'pytorch loop', cell, size, mode, work));
    else {
      rivals.push(layerRival(peers, 'onednn', 'onednn', cell, size, mode, work));
      if (cell !== 'gru-before' && context.held === undefined) rivals.push(layerRival(peers, 'pytorch', 'pytorch', cell, size, mode, work));
    }
    await fight(context, { name, threads, ours: timed(() => work.run()), rivals, flops: flopsOf(cell, size, mode) });
  });
}

async function compareLayers(context: Context, peers: Peers, threads: number): Promise<void> {
  for (const size of layerSizes) {
    for (const cell of ['lstm', 'gru-after', 'gru-before', 'rnn'] as const) await compareLayer(context, peers, threads, cell, size, 'train');
  }
  for (const size of layerSizes) await compareLayer(context, peers, threads, 'lstm', size, 'inference');
  if (context.held === undefined) await compareLayer(context, peers, threads, 'peephole', middleSize, 'train');
}

async function compareOwnCell(context: Context, threads: number): Promise<void> {
  const name = `user-written lstm ${formatSize(middleSize)}`;
  await context.attempt('compare', name, async () => {
    const [user, own] = (['userLstm', 'lstm'] as const).map((cell) => new LayerWork(context.runtime, cell, middleSize, 'train'));
    const open = async (): Promise<Ready> => {
      for (const work of [user!, own!]) work.run();
      return { subject: timed(() => own!.run()), version: 'this', difference: compareBundles(user!.results(), own!.results(), 0) };
    };
    await fight(context, { name, threads, ours: timed(() => user!.run()), rivals: [{ label: 'bptt lstm', open }], flops: flopsOf('lstm', middleSize, 'train') });
  });
}

async function compareServing(context: Context, peers: Peers, threads: number): Promise<void> {
  for (const size of predictSizes) {
    const name = `predict lstm ${formatSize(size)}`;
    await context.attempt('compare', name, async () => {
      const work = new ServeWork(size);
      const expected = { y: { shape: [], data: await work.outputs() } };
      const open = (): Promise<Ready> => openWith(peers, 'onnxruntime', ['layer'], work.numbers, expected, 'ours takes batch-first data and copies it');
      await fight(context, { name, threads, ours: timedAsync(() => work.predict()), rivals: [{ label: 'onnxruntime-node', open }], flops: flopsOf('lstm', size, 'inference') });
    });
  }
  await context.attempt('compare', 'stream step lstm 128', async () => {
    const work = new ServeWork(streamSize(128));
    const expected = { y: { shape: [], data: await work.outputs() } };
    const open = (): Promise<Ready> => openWith(peers, 'onnxruntime', ['step'], work.numbers, expected, '1 row over 128 features');
    await fight(context, { name: 'stream step lstm 128', threads, ours: timedInBatches(() => work.step(), stepsAtOnce), rivals: [{ label: 'onnxruntime-node', open }] });
  });
  peers.close('onnxruntime');
}

/** A peer that makes the same steps from the same weights. */
function trainRival(peers: Peers, peer: PeerName, label: string, words: Words, work: TrainWork, losses: readonly number[]): Rival {
  return {
    label,
    open: async () => {
      writeBundle(given, work.numbers);
      const process = peers.get(peer);
      const answer = await process.ask('train', ...words, given);
      const difference = compareLosses(losses, answer['losses'] as number[]);
      return { subject: process, version: String(answer['version']), difference, note: answer['note'] as string | undefined };
    },
  };
}

/** A peer that learns from one sequence at a time: as many of its steps as a batch has rows. */
function brainRival(peers: Peers, work: TrainWork, rows: number): Rival {
  return {
    label: 'brain.js',
    open: async () => {
      writeBundle(given, work.numbers);
      const process = peers.get('brain');
      const { version } = await process.ask('train', given);
      return {
        subject: { run: async (count) => (await process.run(count)).map((milliseconds) => milliseconds * rows) },
        version: String(version), note: `one sequence at a time, an update after each, RMSprop, a recurrence of its own; time of ${rows} sequences`,
      };
    },
  };
}

async function compareTraining(context: Context, peers: Peers, threads: number, which: TrainWorkName): Promise<void> {
  const name = `train step ${which}`;
  await context.attempt('compare', name, async () => {
    const work = new TrainWork(which);
    const losses = [await work.step(), await work.step(), await work.step()];
    const { flops, rows } = trainWorks[which];
    const ours = timedAsync(() => work.step());
    await fight(context, { name, threads, ours, flops, rivals: [trainRival(peers, 'pytorch', 'pytorch', [which], work, losses)] });
    if (which !== 'characters') return;
    const effort = { ...context.options.effort, rounds: Math.min(3, context.options.effort.rounds) };
    for (const backend of ['wasm', 'cpu']) {
      await fight(context, { name, threads, ours, flops, effort, rivals: [trainRival(peers, 'tfjs', `tfjs ${backend}`, [backend], work, losses)] });
      peers.close('tfjs');
    }
    await fight(context, { name, threads, ours, flops, effort, rivals: [brainRival(peers, work, rows)] });
    peers.close('brain');
  });
}

/** Runs the suite; where the engine is held to an instruction set, beside oneDNN alone, which can be held too. */
export async function runCompare(context: Context): Promise<void> {
  mkdirSync(benchOutput, { recursive: true });
  for (const threads of context.options.threads) {
    context.setThreads(threads);
    const peers = new Peers(threads, context.isa);
    try {
      await compareLayers(context, peers, threads);
      if (context.held !== undefined) continue;
      await compareOwnCell(context, threads);
      await compareServing(context, peers, threads);
      for (const which of trainWorkNames) await compareTraining(context, peers, threads, which);
      await measureEventLoop(context, 'compare', threads);
    } finally {
      peers.closeAll();
    }
  }
}
