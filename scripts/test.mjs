// The whole test: brings what it needs, builds, checks types, lint and format, runs every test, and ends with one line.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

if (process.argv.slice(2).some((word) => word === '--help' || word === '-h')) {
  console.log(`npm test [-- FILE...]

Installs the missing Debian packages as root (elsewhere it names them), builds, checks types, lint and format, runs the
tests, and ends with one line: N passed, N failed. FILE is part of a test file's path; options are Vitest's.`);
  process.exit(0);
}

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const run = (command, args, options = {}) => spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });

run('bash', [
  'scripts/prepare-machine.sh',
  ...['postgresql', 'openssh-client', 'python3-pip', 'chromium', 'tmux', 'zsh', 'fish'],
  ...['swtpm', 'swtpm-tools', 'tpm2-tools'],
]);

/** More failures than these are no accident of the machine. */
const MOST_REPEATED = 5;

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
const vitest = path.join(path.dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const inVitest = (name, args) => {
  const report = path.join(reports, name);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { status } = run(process.execPath, [vitest, 'run', ...reporters, ...args]);
  return { status, results: read(report) };
};

const first = inVitest('first.json', process.argv.slice(2));
let { status, results } = first;
const again = toRepeat(first.results);
if (again.length > 0) {
  // Alone this time: a file plays its scenes once, so a test that is run again without its file would see the same.
  console.log(`\nRun again, with nothing beside them: ${again.join(', ')}`);
  const second = inVitest('second.json', ['--maxWorkers=1', ...again]);
  status = second.status;
  results = merged(first.results, second.results);
  console.log(`\nNeeded a second attempt, to be looked into:\n${again.map((name) => `  - ${name}`).join('\n')}`);
}

const skips = [];
if (results === null) failed += 1;
else {
  for (const file of results) {
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed += 1;
      else if (test.status === 'failed') failed += 1;
      else skips.push(test.fullName);
    }
    // A file that could not be loaded has no failed test of its own.
    if (file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed')) failed += 1;
  }
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

function read(report) {
  try {
    return JSON.parse(readFileSync(report, 'utf8')).testResults;
  } catch {
    return null;
  }
}

/** Files on real servers, processes and browsers that failed, if they are few: what is pure and fails once is wrong. */
function toRepeat(results) {
  const names = (results ?? [])
    .filter(({ status }) => status === 'failed')
    .map(({ name }) => path.relative(root, name));
  const isPure = (name) => name.startsWith('test/domain/') || /^test\/proofs\/[^/]+$/.test(name);
  return names.length > MOST_REPEATED || names.some(isPure) ? [] : names;
}

/** The results of both runs, a file's last one. */
function merged(first, second) {
  if (second === null) return null;
  const last = new Map([...first, ...second].map((file) => [file.name, file]));
  return [...last.values()];
}
