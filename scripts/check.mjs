// Types, lint and format: all three run, and any that fails fails the check.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const bin = (name, file) => path.join(path.dirname(require.resolve(`${name}/package.json`)), file);

const CHECKS = [
  ['types', bin('typescript', 'bin/tsc'), ['--noEmit', '-p', 'tsconfig.json']],
  ['lint', bin('eslint', 'bin/eslint.js'), ['--max-warnings', '0', '.']],
  ['format', bin('prettier', 'bin/prettier.cjs'), ['--check', '--log-level', 'warn', '.']],
];

let failed = 0;
for (const [name, file, args] of CHECKS) {
  const started = Date.now();
  const { status } = spawnSync(process.execPath, [file, ...args], { cwd: root, stdio: 'inherit' });
  if (status !== 0) failed += 1;
  process.stderr.write(
    `${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`,
  );
}
process.exit(failed === 0 ? 0 : 1);
