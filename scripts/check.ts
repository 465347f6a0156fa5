// npm run check [name…]: every rule of the source tree and of the built addon, one line each.
import { packageRoot } from '../lib/packageRoot.ts';
import { nearest } from '../lib/errors.ts';
import { checkLint, checkTypes } from './check/commands.ts';
import { printFinding, type Check } from './check/finding.ts';
import { checkImports } from './check/imports.ts';
import { checkIncludes } from './check/includes.ts';
import { checkLengths } from './check/lengths.ts';
import { checkSources } from './check/sources.ts';
import { checkSymbols } from './check/symbols.ts';

const checks: Readonly<Record<string, Check>> = {
  types: checkTypes,
  lint: checkLint,
  imports: checkImports,
  includes: checkIncludes,
  lengths: checkLengths,
  sources: checkSources,
  symbols: checkSymbols,
};

/** @returns the number of checks that found something. */
async function runChecks(names: readonly string[]): Promise<number> {
  let broken = 0;
  for (const name of names) {
    const findings = await checks[name]!(packageRoot);
    console.log(`${findings.length === 0 ? 'ok  ' : 'FAIL'} ${name}`);
    for (const finding of findings) console.log(`     ${printFinding(finding)}`);
    if (findings.length > 0) broken++;
  }
  console.log(`${names.length - broken} passed, ${broken} failed`);
  return broken;
}

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in checks));
if (unknown !== undefined) {
  const hint = nearest(unknown, Object.keys(checks));
  console.error(`unknown check "${unknown}"${hint ? `; did you mean "${hint}"?` : ''} (checks: ${Object.keys(checks).join(', ')})`);
  process.exitCode = 2;
} else {
  process.exitCode = (await runChecks(wanted.length > 0 ? wanted : Object.keys(checks))) > 0 ? 1 : 0;
}
