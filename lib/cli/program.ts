import { Command, CommanderError, Option } from 'commander';
import { fraction, integer, positive, share } from './parse.ts';
import { packageVersion } from './nativeBuild.ts';
import { packageRoot } from '../packageRoot.ts';
import { jsonLine, writeError, type Terminal } from './terminal.ts';
import type { EvaluateOptions } from './evaluate.ts';
import type { GenerateOptions } from './generate.ts';
import type { TrainTextOptions } from './recipe.ts';

const json = (): Option => new Option('--json', 'results as JSON lines');
const threads = (): Option => new Option('--threads <count>', 'threads to compute with (default: one per core)').argParser(integer(1, 256));

/** What a command came to: its exit code. */
type Outcome = { code: number };

function addTrain(program: Command, terminal: Terminal, outcome: Outcome): void {
  program.command('train').description('train a model').command('text')
    .description('train a character language model on a text file')
    .argument('<file>', 'UTF-8 text')
    .requiredOption('--out <folder>', 'where the model is saved')
    .addOption(new Option('--cell <kind>', 'recurrent cell').choices(['lstm', 'gru', 'rnn']).default('lstm'))
    .addOption(new Option('--units <count>', 'units of each recurrent layer').argParser(integer(1)).default(128))
    .addOption(new Option('--layers <count>', 'recurrent layers').argParser(integer(1)).default(2))
    .addOption(new Option('--embedding <size>', 'learn vectors of this size for the characters (default: one-hot input)').argParser(integer(1)))
    .addOption(new Option('--batch <rows>', 'parts of the text that are read side by side').argParser(integer(1)).default(50))
    .addOption(new Option('--steps <count>', 'characters per update: how far gradients reach back').argParser(integer(1)).default(50))
    .addOption(new Option('--epochs <count>', 'passes over the text (default: 10)').argParser(integer(1)).conflicts('seconds'))
    .addOption(new Option('--seconds <time>', 'train for this long instead').argParser(positive))
    .addOption(new Option('--optimizer <name>', 'update rule').choices(['sgd', 'rmsprop', 'adagrad', 'adadelta', 'adam', 'adamw', 'nadam']).default('rmsprop'))
    .addOption(new Option('--learning-rate <rate>', 'step size').argParser(positive).default(2e-3))
    .addOption(new Option('--decay <factor>', 'multiplies the learning rate after each late epoch').argParser(share).default(0.97))
    .addOption(new Option('--decay-after <epoch>', 'epochs before the learning rate decays').argParser(integer(0)).default(10))
    .addOption(new Option('--clip-value <limit>', 'clamp every gradient element (default: 5)').argParser(positive).conflicts('clipNorm'))
    .addOption(new Option('--clip-norm <limit>', 'scale all gradients down to this norm instead').argParser(positive))
    .addOption(new Option('--dropout <rate>', 'dropout between the layers').argParser(fraction).default(0))
    .addOption(new Option('--validation <fraction>', 'end of each part read side by side to validate on; 0 for none').argParser(fraction).default(0.05))
    .addOption(new Option('--init-uniform <limit>', 'initial weights, uniform in ± this').argParser(positive).default(0.08))
    .addOption(new Option('--sample-every <updates>', 'show a sample after so many updates').argParser(integer(1)))
    .addOption(new Option('--seed <number>', 'of weights, dropout and samples').argParser(integer(0)).default(1))
    .addOption(threads())
    .addOption(json())
    .action(async (file: string, options: TrainTextOptions) => {
      const { trainText } = await import('./trainText.ts');
      outcome.code = await trainText(file, options, terminal);
    });
}

function addEvaluate(program: Command, terminal: Terminal, outcome: Outcome): void {
  program.command('evaluate')
    .description('how well a saved model predicts a text: nats per character, perplexity, accuracy')
    .argument('<folder>', 'what train saved').argument('<file>', 'UTF-8 text')
    .addOption(threads()).addOption(json())
    .action(async (folder: string, file: string, options: EvaluateOptions) => {
      const { evaluate } = await import('./evaluate.ts');
      outcome.code = await evaluate(folder, file, options, terminal);
    });
}

function addGenerate(program: Command, terminal: Terminal, outcome: Outcome): void {
  program.command('generate')
    .description('write text with a saved model')
    .argument('<folder>', 'what train saved')
    .option('--prefix <text>', 'text to go on from (default: a line break)')
    .addOption(new Option('--length <count>', 'characters to write').argParser(integer(0)).default(200))
    .addOption(new Option('--temperature <value>', 'below 1 bolder in its habits, above 1 wilder (default: 0.8)').argParser(positive))
    .addOption(new Option('--greedy', 'always the likeliest character').conflicts(['temperature', 'topK', 'topP', 'seed']))
    .addOption(new Option('--top-k <count>', 'only among the likeliest so many').argParser(integer(1)))
    .addOption(new Option('--top-p <share>', 'only among the likeliest that make up this share').argParser(share))
    .addOption(new Option('--seed <number>', 'of the draws (default: 1)').argParser(integer(0)))
    .addOption(threads()).addOption(json())
    .action(async (folder: string, options: GenerateOptions) => {
      const { generate } = await import('./generate.ts');
      outcome.code = await generate(folder, options, terminal);
    });
}

function addCare(program: Command, terminal: Terminal, outcome: Outcome): void {
  program.command('doctor')
    .description('platform, instruction set, threads, runtime; what is wrong and the cure')
    .addOption(json())
    .action(async (options: { json?: true }) => {
      const { doctor } = await import('./doctor.ts');
      outcome.code = await doctor(options, terminal);
    });
  program.command('build')
    .description('compile the engine on this machine (needs python3, make and a C++17 compiler)')
    .addOption(json())
    .action(async (options: { json?: true }) => {
      const { build } = await import('./build.ts');
      outcome.code = await build(options, terminal);
    });
}

function createProgram(terminal: Terminal, outcome: Outcome): Command {
  const program = new Command('bptt')
    .description('Recurrent neural networks for Node.js')
    .version(packageVersion(packageRoot))
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.note(text) })
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help for the options)');
  for (const add of [addTrain, addEvaluate, addGenerate, addCare]) add(program, terminal, outcome);
  return program;
}

/**
 * Runs the command line `words` (without "node" and the script).
 * @returns the exit code: 0 done, 1 failed, 2 wrongly called.
 */
export async function run(words: readonly string[], terminal: Terminal): Promise<number> {
  const outcome: Outcome = { code: 0 };
  try {
    await createProgram(terminal, outcome).parseAsync(words, { from: 'user' });
    return outcome.code;
  } catch (error) {
    const json = words.includes('--json');
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      if (json) terminal.out(jsonLine({ error: { code: 'ERR_BPTT_OPTION', message: error.message.replace(/^error: /, '') } }));
      return 2;
    }
    writeError(terminal, error, json);
    return 1;
  }
}
