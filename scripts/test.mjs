// The whole test: brings what it needs, builds, checks types, lint and format, runs every test, and ends with one line.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const run = (command, args, options = {}) => spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });

run('bash', [
  'scripts/prepare-machine.sh',
  ...['postgresql', 'openssh-client', 'python3-pip', 'chromium', 'tmux', 'zsh', 'fish'],
  ...['swtpm', 'swtpm-tools', 'tpm2-tools'],
]);

let passed = 0;
let failed = 0;
for (const script of ['build', 'check']) {
  const { status } = run(process.execPath, [`scripts/${script}.mjs`]);
  if (status === 0) passed += 1;
  else failed += 1;
  // Without a build there is nothing to test.
  if (script === 'build' && status !== 0) finish();
}

const reports = mkdtempSync(path.join(os.tmpdir(), 'reseal-test-'));
const report = path.join(reports, 'vitest.json');
const vitest = path.join(path.dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const args = [
  vitest,
  'run',
  '--reporter=default',
  `--reporter=${path.join(root, 'scripts', 'second-attempts.mjs')}`,
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
];
const { status } = run(process.execPath, args);

const skips = [];
try {
  const results = JSON.parse(readFileSync(report, 'utf8'));
  passed += results.numPassedTests;
  failed += results.numFailedTests;
  // A file that could not be loaded has no failed test of its own.
  failed += results.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((t) => t.status !== 'failed'),
  ).length;
  for (const file of results.testResults) {
    for (const test of file.assertionResults)
      if (test.status === 'pending' || test.status === 'skipped' || test.status === 'todo') skips.push(test.fullName);
  }
} catch {
  failed += 1;
}
if (status !== 0 && failed === 0) failed += 1;
rmSync(reports, { recursive: true, force: true });
if (skips.length > 0)
  console.log(`\nSkipped (${skips.length}), each with its reason:\n${skips.map((name) => `  - ${name}`).join('\n')}`);
finish();

function finish() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
