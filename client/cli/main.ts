import { isatty } from 'node:tty';
import { run } from './run.js';

const interrupted = new AbortController();
// The first Ctrl-C ends the waiting, and the exit status says what may still stand; the second ends the process.
process.once('SIGINT', () => interrupted.abort());
process.once('SIGTERM', () => interrupted.abort());
// `reseal … | head`: whoever read has gone, and that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
// Nobody reads what is said on the way: the work goes on, and the exit status tells what came of it.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  // Opened only when somebody is asked: an open standard input would keep the process.
  get stdin() {
    return process.stdin;
  },
  env: process.env,
  cwd: process.cwd(),
  isTTY: isatty(0) && isatty(2),
  stdoutTTY: process.stdout.isTTY,
  stderrTTY: process.stderr.isTTY,
  columns: process.stdout.columns ?? process.stderr.columns,
  rows: process.stdout.rows ?? process.stderr.rows,
  signal: interrupted.signal,
});
