import { readFileSync } from 'node:fs';
import { CommanderError, type Command } from 'commander';
import type { Io } from './io.js';
import type { GlobalOptions } from './options.js';
import { resealProgram } from './program.js';

const USAGE = 2;
const INTERNAL = 1;

/** Runs one command line (without `node` and the script) and answers its exit status. Never throws, never exits. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  let status = 0;
  const program = resealProgram(versionText(), async (command, action) => {
    const { Session } = await import('./session.js');
    const session = new Session(io, command.optsWithGlobals<GlobalOptions>());
    try {
      status = await action(session);
    } finally {
      await session.close();
    }
  });
  settle(program, io, argv);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
    return await report(error, io);
  }
}

/** Every command writes to `io` and throws where commander would end the process. */
function settle(command: Command, io: Io, argv: readonly string[]): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => void io.stdout.write(text),
    writeErr: (text) => void io.stderr.write(quoted(text, argv)),
    getOutHelpWidth: () => Math.min(io.columns ?? 100, 120),
    getErrHelpWidth: () => Math.min(io.columns ?? 100, 120),
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  });
  for (const child of command.commands) settle(child, io, argv);
}

/** An argument that commander quotes must not start a line of its own, nor drive the terminal. */
function quoted(text: string, argv: readonly string[]): string {
  // eslint-disable-next-line no-control-regex -- control characters are exactly what is taken out
  const OBEYED = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
  return argv.reduce((shown, word) => shown.replaceAll(word, () => word.replace(OBEYED, '?')), text);
}

async function report(error: unknown, io: Io): Promise<number> {
  const [{ ResealError }, { oneLine, printable }, { Interrupted, INTERRUPTED }] = await Promise.all([
    import('../api/reseal-error.js'),
    import('./printable.js'),
    import('./interrupted.js'),
  ]);
  if (error instanceof Interrupted) {
    const next = error.next === undefined ? '' : `next: ${oneLine(error.next)}\n`;
    io.stderr.write(`\n${oneLine(error.message)}\n${next}`);
    return INTERRUPTED;
  }
  const debug = Boolean(io.env['RESEAL_DEBUG']);
  const known = error instanceof ResealError ? error : undefined;
  const message = known?.message ?? (error instanceof Error ? error.message : String(error));
  // What was typed or answered is in it: on one line, so that it cannot pass for a line of ours.
  io.stderr.write(`reseal: ${oneLine(known === undefined ? `internal error: ${message}` : message)}\n`);
  if (known?.hint !== undefined) io.stderr.write(`  ${oneLine(known.hint)}\n`);
  if (debug && error instanceof Error) {
    for (let at: unknown = error; at instanceof Error; at = at.cause) io.stderr.write(`${printable(at.stack ?? '')}\n`);
  } else if (known === undefined || known.code === 'internal') {
    io.stderr.write('  set RESEAL_DEBUG=1 to see where\n');
  }
  return known?.exit ?? INTERNAL;
}

/** From package.json: beside `client/` in the sources, one folder higher when compiled to `dist/`. */
function versionText(): string {
  for (const place of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as Record<
        string,
        unknown
      >;
      if (name === 'reseal' && typeof version === 'string') return version;
    } catch {
      continue;
    }
  }
  return 'unknown';
}
