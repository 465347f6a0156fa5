import { addonPath, compileAddon } from './nativeBuild.ts';
import { packageRoot } from '../packageRoot.ts';
import { jsonLine, type Terminal } from './terminal.ts';

/** `bptt build`: compiles the engine where no prebuilt one loads. */
export async function build(options: { readonly json?: true }, terminal: Terminal): Promise<number> {
  const began = performance.now();
  const { ok, output } = await compileAddon(packageRoot, { clean: true, show: !options.json });
  const seconds = Number(((performance.now() - began) / 1000).toFixed(1));
  if (options.json) terminal.out(jsonLine({ ok, seconds, ...(ok ? { addon: addonPath(packageRoot) } : { output }) }));
  else if (ok) terminal.out(`compiled in ${seconds} s: ${addonPath(packageRoot)}\n"bptt doctor" tells whether it loads.\n`);
  else terminal.note('error: the engine did not compile; it needs python3, make and a C++17 compiler (Debian: apt-get install python3 make g++)\n');
  return ok ? 0 : 1;
}
