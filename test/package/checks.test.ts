import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkLint, checkTypes } from '../../scripts/check/commands.ts';
import { cppFunctions } from '../../scripts/check/cpp.ts';
import { printFinding, type Finding } from '../../scripts/check/finding.ts';
import { checkImports } from '../../scripts/check/imports.ts';
import { checkIncludes } from '../../scripts/check/includes.ts';
import { checkLengths } from '../../scripts/check/lengths.ts';
import { checkSources } from '../../scripts/check/sources.ts';
import { checkAddon, checkIsaObjects, checkSymbols } from '../../scripts/check/symbols.ts';
import { addonPath } from '../../lib/cli/nativeBuild.ts';
import { packageRoot } from '../../lib/packageRoot.ts';

let root = '';

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), text);
}

function assertFinds(findings: readonly Finding[], ...patterns: RegExp[]): void {
  const printed = findings.map(printFinding);
  for (const pattern of patterns) assert.ok(printed.some((line) => pattern.test(line)), `${String(pattern)} in:\n${printed.join('\n')}`);
  assert.equal(findings.length, patterns.length, printed.join('\n'));
}

describe('npm run check', () => {
  beforeEach(() => { root = mkdtempSync(path.join(tmpdir(), 'bptt-check-')); });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  describe('imports', () => {
    it('accepts a tree that keeps the rules', () => {
      write('lib/errors.ts', 'export const oops = 1;');
      write('lib/graph/a.ts', "import { oops } from '../errors.ts';\nexport const a = oops;");
      write('lib/cells/c.ts', "import { a } from '../graph/a.ts';\nimport type { Layer } from '../layers/l.ts';\nexport const c = (l: Layer) => [a, l];");
      write('lib/layers/l.ts', "import { c } from '../cells/c.ts';\nexport type Layer = typeof c;");
      write('lib/runtime/r.ts', "import { createRequire } from 'node:module';\ncreateRequire(import.meta.url)('node-gyp-build');");
      assertFinds(checkImports(root));
    });

    it('finds mathematics that imports anything but mathematics', () => {
      write('lib/runtime/r.ts', 'export const r = 1;');
      write('lib/cells/c.ts', "import { r } from '../runtime/r.ts';\nexport const c = r;");
      write('lib/losses/l.ts', "import type { r } from '../runtime/r.ts';\nexport type L = typeof r;");
      write('lib/optimizers/o.ts', "import fs from 'node:fs';\nexport const o = fs;");
      write('lib/graph/g.ts', "export const g = import('../cells/c.ts');");
      assertFinds(checkImports(root), /cells\/c\.ts:1: cells may import .*, not runtime/, /losses\/l\.ts:1/, /optimizers\/o\.ts:1.*node:fs/, /graph\/g\.ts:1.*not cells/);
    });

    it('finds native code loaded outside of lib/runtime', () => {
      write('lib/data/a.ts', "import load from 'node-gyp-build';\nexport default load;");
      write('lib/data/b.ts', "import { createRequire } from 'node:module';\nexport default createRequire(import.meta.url)('../../build/Release/bptt.node');");
      write('lib/data/c.ts', "process.dlopen(module, 'x');");
      assertFinds(checkImports(root), /data\/a\.ts:1: loads native/, /data\/b\.ts:2: loads native/, /data\/c\.ts:1: loads native/);
    });

    it('finds folders that import each other in a circle', () => {
      write('lib/model/m.ts', "import { t } from '../training/t.ts';\nexport const m = () => t;");
      write('lib/training/t.ts', "import { d } from '../data/d.ts';\nexport const t = () => d;");
      write('lib/data/d.ts', "import { m } from '../model/m.ts';\nexport const d = () => m;");
      assertFinds(checkImports(root), /circle: (\w+) → \w+ → \w+ → \1 /);
    });
  });

  describe('includes', () => {
    it('accepts arrows that point down', () => {
      write('native/isa/table.h', '#include <stdint.h>\n');
      write('native/engine/run.cpp', '#include "../isa/table.h"\n#include <vector>\n// lstm in a comment is no rule\n');
      write('native/binding/addon.cpp', '#include <napi.h>\n#include "../engine/run.h"\n');
      write('native/simd/avx2.h', '#include <immintrin.h>\ninline __m256 zero() { return _mm256_setzero_ps(); }\n');
      assertFinds(checkIncludes(root));
    });

    it('finds Node.js and intrinsics where they may not be', () => {
      write('native/engine/run.cpp', '#include <napi.h>\n#include <immintrin.h>\nint isLstm = 1;\n');
      write('native/kernels/gemm.h', '\nstatic void f() { __m256 a = _mm256_setzero_ps(); }\n#include <arm_neon.h>\n#include <vector>\n');
      assertFinds(checkIncludes(root), /run\.cpp:1.*napi/, /run\.cpp:2.*immintrin/, /run\.cpp:3.*isLstm/, /gemm\.h:2.*__m256/, /gemm\.h:2.*_mm256_setzero_ps/,
        /gemm\.h:3.*arm_neon/, /gemm\.h:4.*standard library/);
    });

    it('finds an include that points up', () => {
      write('native/base/span.h', '#include "../engine/run.h"\n');
      write('native/engine/run.h', '#include "binding/addon.h"\n');
      assertFinds(checkIncludes(root), /base\/span\.h:1.*arrows point down/, /engine\/run\.h:1.*arrows point down/);
    });
  });

  describe('lengths', () => {
    it('finds long files and long C++ functions', () => {
      write('lib/long.ts', 'export {};\n'.repeat(501));
      write('lib/right.ts', 'export {};\n'.repeat(500));
      const body = (lines: number): string => '  step();\n'.repeat(lines - 2);
      write('native/engine/run.cpp', `namespace bptt {\nint fits(int a) {\n${body(60)}}\n\ntemplate <typename T>\nvoid Engine<T>::tooLong(T a) const {\n${body(60)}}\n}\n`);
      assertFinds(checkLengths(root), /lib\/long\.ts: 501 lines/, /run\.cpp:63: .*tooLong has 61 lines/);
    });

    it('knows functions from other braces', () => {
      const found = cppFunctions([
        'struct Point { int x{0}; int sum() const { return x; } };',
        'static const int table[] = { f(1), 2 };',
        'Thing::Thing(int a) : member(a) {', '  auto lambda = [&](int b) { if (b) { use("}"); } };', '}',
        '#define LIST(X) \\', '  X(a) { \\', '  X(b) }',
        'DECLARE(avx2)', 'namespace {', 'struct Point origin(int a) { return {a}; }', '}',
        'extern "C" {', 'int exported(void) { return 0; /* } */ }', '}',
      ].join('\n'));
      assert.deepEqual(found.map(({ name, lines }) => [name, lines]), [['sum', 1], ['Thing::Thing', 3], ['origin', 1], ['exported', 1]]);
    });
  });

  describe('sources', () => {
    const gyp = '{ "includes": ["native/sources.gypi"], "targets": [{ "sources": ["<@(bptt_core_files)"], "cflags_cc": ["<@(bptt_avx2_flags)", "<@(bptt_avx2_files)"] }] }';
    const cmake = 'file(READ native/sources.gypi JSON)\nset(isas avx2)\nbptt_list(x bptt_core_files)\nbptt_list(y bptt_${isa}_files)\nadd_executable(t native/tests/main.cpp)\n';
    const list = (files: readonly string[]): string => JSON.stringify({ variables: { bptt_core_files: files, bptt_avx2_files: [], bptt_avx2_flags: ['-mavx2'] } });

    beforeEach(() => {
      write('binding.gyp', gyp);
      write('CMakeLists.txt', cmake);
      write('native/base/a.cpp', '');
      write('native/tests/main.cpp', '');
    });

    it('accepts one list that both builds read', () => {
      write('native/sources.gypi', list(['base/a.cpp']));
      assertFinds(checkSources(root));
    });

    it('finds files unlisted, listed twice and not there', () => {
      write('native/sources.gypi', list(['base/gone.cpp', 'base/gone.cpp']));
      assertFinds(checkSources(root), /base\/a\.cpp: stands in no list/, /lists native\/base\/gone\.cpp, which does not exist/, /lists native\/base\/gone\.cpp, which does not exist/, /gone\.cpp twice/);
    });

    it('finds a build that goes its own way', () => {
      write('native/sources.gypi', list(['base/a.cpp']));
      write('CMakeLists.txt', 'add_library(x native/base/a.cpp)');
      assertFinds(checkSources(root), /does not read/, /bptt_core_files/, /bptt_avx2_files/, /bptt_avx2_flags/, /names native\/base\/a\.cpp itself/);
    });

    it('finds a list that is not JSON, and none at all', () => {
      assertFinds(checkSources(root), /is missing/);
      write('native/sources.gypi', "{ 'variables': {} }");
      assertFinds(checkSources(root), /not strict JSON/);
    });
  });

  describe('symbols', function () {
    before(function () { if (process.platform !== 'linux') this.skip(); });

    it('finds exports, libraries and a glibc that a user lacks', () => {
      write('bad.c', '#define _GNU_SOURCE\n#include <math.h>\n#include <stdint.h>\nuint32_t arc4random(void);\nint napi_register_module_v1(void) { return (int)arc4random(); }\nint leaked(void) { return 1; }\n');
      const addon = path.join(root, 'bad.node');
      execFileSync('gcc', ['-shared', '-fPIC', '-o', addon, path.join(root, 'bad.c'), '-Wl,--no-as-needed', '-lstdc++'], { stdio: 'pipe' });
      const printed = checkAddon(root, addon).map(printFinding).join('\n');
      assert.match(printed, /exports leaked/);
      assert.match(printed, /does not export node_api_module_get_api_version_v1/);
      assert.match(printed, /needs the library libstdc\+\+/);
      assert.match(printed, /needs glibc 2\.36/);
    });

    it('finds weak symbols in the objects of an instruction set', () => {
      write('weak.cpp', 'template <typename T> __attribute__((noinline)) T twice(T a) { return a + a; }\nint use(int a) { return twice(a); }\n');
      execFileSync('g++', ['-c', '-O0', '-o', path.join(root, 'weak.o'), path.join(root, 'weak.cpp')]);
      assertFinds(checkIsaObjects(root, ['weak.o']), /weak symbol _Z5twice/);
    });
  });

  describe('types and lint [slow]', () => {
    it('fail on a bad sample', function () {
      this.timeout(600_000);
      write('lib/bad.ts', 'export const wrong: string = 1;\nexport function loose(a: any): void { if (a == 1) console.log(a); }\n');
      write('test/ok.test.ts', 'export {};\n');
      const link = (name: string): void => write(name, execFileSync('cat', [path.join(packageRoot, name)], { encoding: 'utf8' }));
      ['tsconfig.json', 'test/tsconfig.json', 'eslint.config.js', 'package.json'].forEach(link);
      execFileSync('ln', ['-s', path.join(packageRoot, 'node_modules'), path.join(root, 'node_modules')]);
      assert.match(checkTypes(root).map(printFinding).join('\n'), /bad\.ts\(1,14\): error TS2322/);
      const lint = checkLint(root).map(printFinding).join('\n');
      assert.match(lint, /no-explicit-any/);
      assert.match(lint, /eqeqeq/);
      assert.match(lint, /no-console/);
    });
  });
});

describe('this source tree [slow]', function () {
  this.timeout(600_000);
  const kept: Record<string, (root: string) => Finding[]> = {
    types: checkTypes, lint: checkLint, imports: checkImports, includes: checkIncludes, lengths: checkLengths, sources: checkSources, symbols: checkSymbols,
  };
  for (const [name, check] of Object.entries(kept)) {
    it(`keeps the rules of ${name}`, function () {
      if (name === 'symbols' && !existsSync(addonPath(packageRoot))) this.skip();
      assert.deepEqual(check(packageRoot).map(printFinding), []);
    });
  }
});
