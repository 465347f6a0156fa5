/**
 * Asks for blocks that are larger than Node can show. Argument: by whom (model, recurrent: the weights of layers; storage: the native module;
 * unlimited: the native module, after it was told that there is no limit). Prints the codes and messages of the refusals, and the most memory that the process had.
 */
import { constants } from 'node:buffer';
import { dense, lstm, sequential } from '../../../lib/index.ts';
import { native } from '../native.ts';

interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly expected?: unknown;
  readonly received?: unknown;
}

const most = Math.floor(constants.MAX_LENGTH / 4);

function askForMore(who: string): unknown {
  if (who === 'model') return sequential([dense({ units: Math.floor(most / 2 ** 15) + 1 })], { input: { features: 2 ** 15 } });
  if (who === 'recurrent') return sequential([lstm({ units: Math.ceil(Math.sqrt(most)) })], { input: { features: 1 } });
  if (who === 'storage') return new (native().Storage)(most + 1);
  process.getBuiltinModule = () => ({ constants: { MAX_LENGTH: Number.MAX_SAFE_INTEGER } });
  return new (native().Storage)(2 ** 30 + 1);
}

const refusals: Refusal[] = [];
for (let attempt = 0; attempt < 3; attempt++) {
  try {
    askForMore(process.argv[2]!);
  } catch (error) {
    const { code, message, expected, received } = error as Refusal;
    refusals.push({ code, message, expected, received });
  }
  global.gc!();
  await new Promise((resolve) => { setImmediate(resolve); });
}
console.log(JSON.stringify({ most, refusals, megabytes: process.resourceUsage().maxRSS / 1024 }));
