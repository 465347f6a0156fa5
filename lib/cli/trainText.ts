import { checkWritable } from '../formats/atomicFolder.ts';
import { saveModel } from '../formats/index.ts';
import { progressBar, type Bar } from './bar.ts';
import { continueText } from './generate.ts';
import { interruptible } from './interrupt.ts';
import type { TrainTextOptions } from './recipe.ts';
import { jsonLine, type Terminal } from './terminal.ts';
import { readText } from './textFile.ts';
import { TextTraining, type EpochReport, type TrainingEvents } from './textTraining.ts';
import { setThreads } from '../runtime/index.ts';

const sampleLength = 200;

function epochLine({ epoch, trainLoss, validationLoss, seconds }: EpochReport): string {
  const validation = validationLoss === null ? '' : `  validation ${validationLoss.toFixed(3)}`;
  return `epoch ${String(epoch).padStart(3)}  train ${trainLoss.toFixed(3)}${validation}  nats per character  ${seconds.toFixed(1)} s\n`;
}

/** Prints what happens: a bar for the eye, epochs and samples as text or as JSON lines. */
function reporter(training: TextTraining, options: TrainTextOptions, terminal: Terminal, bar: Bar): TrainingEvents {
  const { json, sampleEvery, seed } = options;
  return {
    onUpdate: ({ epoch, updates, loss, share, tokensPerSecond }) => {
      bar.update(share, `epoch ${epoch} | loss ${loss.toFixed(3)} | ${tokensPerSecond.toLocaleString('en-US')} characters/s`);
      if (sampleEvery === undefined || updates % sampleEvery !== 0) return;
      const text = [...continueText(training.model, training.vocabulary, { length: sampleLength, seed })].join('');
      bar.above(() => terminal.out(json ? jsonLine({ updates, sample: text }) : `--- after ${updates} updates\n${text}\n---\n`));
    },
    onEpoch: (report) => bar.above(() => terminal.out(json ? jsonLine(report) : epochLine(report))),
  };
}

/** `bptt train text`: trains, saves, reports. */
export async function trainText(file: string, options: TrainTextOptions, terminal: Terminal): Promise<number> {
  if (options.threads !== undefined) setThreads(options.threads);
  const text = await readText(file);
  await checkWritable(options.out);
  const training = new TextTraining(text, options);
  const { model, vocabulary } = training;
  if (!options.json) {
    terminal.note(`${model.parameterCount.toLocaleString('en-US')} parameters, ${vocabulary.size} characters, ${model.runtime.name === 'native' ? 'native engine' : 'reference interpreter (slow)'}\n`);
  }
  const bar = progressBar(terminal.interactive && !options.json);
  const stop = (): void => {
    terminal.note('\nstopping after this update; the model will be saved\n');
    training.stop();
  };
  await interruptible(stop, async () => {
    try {
      await training.run(reporter(training, options, terminal, bar));
    } finally {
      bar.stop();
    }
    await saveModel(model, options.out);
  });
  terminal.out(options.json ? jsonLine(training.report) : `saved to ${options.out}; try: bptt generate ${options.out}\n`);
  return 0;
}
