import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the package: the nearest one above this file with a package.json, in lib/ as in the built dist/. */
function findPackageRoot(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'package.json')) && folder !== path.dirname(folder)) folder = path.dirname(folder);
  return folder;
}

/** Where package.json, prebuilds/ and binding.gyp are. */
export const packageRoot = findPackageRoot();
