import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { InstalledPackage } from './support.ts';

const use = `
const model = sequential([lstm({ units: 4 }), dense({ units: 1 })], { input: { features: 2 }, seed: 1 });
const { output } = await model.predict([[[1, 2], [3, 4], [5, 6]]]);
console.log(JSON.stringify([...output.data].map((value) => Number(value.toFixed(5)))));
`;
const esm = `import { sequential, lstm, dense } from 'bptt';${use}`;
const cjs = `const { sequential, lstm, dense } = require('bptt');(async () => {${use}})();`;

describe('the packed package, installed where there is no compiler [slow]', function () {
  this.timeout(600_000);
  let installed: InstalledPackage;
  let native: string;

  before(() => { installed = new InstalledPackage(); });
  after(() => { if (installed) rmSync(installed.place, { recursive: true, force: true }); });

  it('holds what users need, and less than 10 MB of it', () => {
    const paths = installed.packed.files.map((file) => file.path);
    for (const needed of ['LICENSE', 'README.md', 'CHANGELOG.md', 'dist/index.js', 'dist/index.d.ts', 'dist/cli/main.js', 'binding.gyp', 'native/sources.gypi', 'lib/index.ts']) {
      assert.ok(paths.includes(needed), needed);
    }
    assert.ok(paths.some((file) => /^prebuilds\/.*\.node$/.test(file)));
    assert.deepEqual(paths.filter((file) => /^(?:test|scripts|bench|native\/tests|build|out|\.)/.test(file)), []);
    assert.ok(installed.packed.unpackedSize < 10e6, `${installed.packed.unpackedSize} bytes`);
  });

  it('ran no script and compiled nothing', () => {
    const manifest = JSON.parse(readFileSync(path.join(installed.folder, 'package.json'), 'utf8')) as { scripts?: Record<string, string> };
    for (const name of ['preinstall', 'install', 'postinstall']) assert.equal(manifest.scripts?.[name], undefined);
    const lock = JSON.parse(readFileSync(path.join(installed.place, 'node_modules', '.package-lock.json'), 'utf8')) as { packages: Record<string, { hasInstallScript?: boolean }> };
    assert.deepEqual(Object.entries(lock.packages).filter(([, entry]) => entry.hasInstallScript).map(([name]) => name), []);
    assert.ok(!existsSync(path.join(installed.folder, 'build')));
  });

  it('runs by import and by require, on the native engine, without a warning', () => {
    const imported = installed.run('mjs', esm);
    assert.equal(imported.stderr, '');
    assert.equal(imported.status, 0);
    assert.match(imported.stdout, /^\[-?\d/);
    native = imported.stdout;
    const required = installed.run('cjs', cjs);
    assert.equal(required.stderr, '');
    assert.equal(required.stdout, native);
    const { stdout, status } = installed.command('npx', 'bptt', 'doctor', '--json');
    assert.equal(status, 0);
    assert.equal((JSON.parse(stdout) as { runtime: string }).runtime, 'native');
  });

  // 50 ms where Node itself starts in 25 ms of processor time: both parse and run JavaScript, so a machine that is slow or shared is slow at both.
  it('is imported in under 50 ms of processor time, on a machine that starts Node in 25', () => {
    const script = `
      const started = process.cpuUsage();
      await import('bptt');
      const imported = process.cpuUsage(started);
      console.log(JSON.stringify([imported, started].map(({ user, system }) => (user + system) / 1000)));`;
    const runs = Array.from({ length: 9 }, () => JSON.parse(installed.run('mjs', script).stdout) as [number, number]);
    const ratios = runs.map(([imported, started]) => imported / started).sort((a, b) => a - b);
    assert.ok(ratios[4]! < 50 / 25, runs.map((run) => run.map((time) => time.toFixed(1)).join(' after ')).join(', '));
  });

  it('computes in TypeScript with one warning, that names platform, cause and cure, when no prebuilt engine loads', () => {
    const prebuilds = path.join(installed.folder, 'prebuilds');
    renameSync(prebuilds, `${prebuilds}.away`);
    try {
      const { status, stdout, stderr } = installed.run('mjs', esm);
      assert.equal(status, 0, stderr);
      const [reference, expected] = [stdout, native].map((text) => JSON.parse(text) as number[]);
      reference!.forEach((value, i) => assert.ok(Math.abs(value - expected![i]!) <= 1e-5));
      assert.equal(stderr.match(/BpttWarning:/g)?.length, 1, stderr);
      assert.match(stderr, new RegExp(`${process.platform}-${process.arch}`));
      assert.match(stderr, /npx bptt build/);
      const doctor = installed.command('npx', 'bptt', 'doctor');
      assert.equal(doctor.status, 1);
      assert.match(doctor.stdout, /npx bptt build/);
    } finally {
      renameSync(`${prebuilds}.away`, prebuilds);
    }
  });

  it('says what is missing when it cannot compile on the spot', () => {
    const { status, stderr } = installed.command('npx', 'bptt', 'build');
    assert.equal(status, 1);
    assert.match(stderr, /needs python3, make and a C\+\+17 compiler/);
    assert.ok(readdirSync(path.join(installed.folder, 'prebuilds')).length > 0);
  });
});
