import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decisionLog } from '../../../client/decide/decision-log.js';
import { decide } from '../../../domain/decide.js';
import { decisionLogEntrySchema, type Decision, type DecisionLogEntry } from '../../../domain/decision.js';
import { instant } from '../../../domain/identifiers.js';
import { NOW, question, standingEvent } from '../../domain/decidable.js';

const allowed = decide(question({ events: [standingEvent()] }));
const denied = decide(question());

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-log-'));
  file = join(folder, 'decisions.jsonl');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const entries = (of = file): DecisionLogEntry[] =>
  readFileSync(of, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => decisionLogEntrySchema.parse(JSON.parse(line)));

describe('a decision log', () => {
  it('keeps allowed and refused decisions in their order, for its owner alone', async () => {
    const log = decisionLog(file, () => NOW);
    await log.write(allowed);
    await log.write(denied);
    expect(entries().map(({ effect, timestamp }) => [effect, timestamp])).toEqual([
      ['allow', instant(NOW)],
      ['deny', instant(NOW)],
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('takes a line that another process is writing for no torn one', async () => {
    await decisionLog(file).write(denied);
    const line = readFileSync(file, 'utf8');
    appendFileSync(file, line.slice(0, 40));
    const written = decisionLog(file).write(allowed);
    setTimeout(() => appendFileSync(file, line.slice(40)), 20);
    await written;
    expect(entries().map(({ effect }) => effect)).toEqual(['deny', 'deny', 'allow']);
  });

  it('keeps what was there, and every line whole when many are written at once by two', async () => {
    await decisionLog(file).write(denied);
    const [one, other] = [decisionLog(file), decisionLog(file)];
    const some = Array.from({ length: 100 }, (_, index) => ({ ...allowed, rule: `r${index}` }) as Decision);
    await Promise.all(some.map((decision, index) => (index % 2 === 0 ? one : other).write(decision)));
    const kept = entries();
    expect(kept).toHaveLength(101);
    expect(new Set(kept.map(({ rule }) => rule)).size).toBe(101);
  });

  it('goes on in a new file when the old one was moved away', async () => {
    const log = decisionLog(file);
    await log.write(allowed);
    renameSync(file, `${file}.1`);
    await log.write(denied);
    expect(entries(`${file}.1`)).toMatchObject([{ effect: 'allow' }]);
    expect(entries()).toMatchObject([{ effect: 'deny' }]);
  });

  it('begins a line of its own after one that was torn', async () => {
    writeFileSync(file, '{"schema":"reseal.decision.v1","effe');
    await decisionLog(file).write(denied);
    const [torn, whole] = readFileSync(file, 'utf8').split('\n');
    expect(torn).toBe('{"schema":"reseal.decision.v1","effe');
    expect(decisionLogEntrySchema.parse(JSON.parse(whole ?? ''))).toMatchObject({ effect: 'deny' });
  });
});

describe('a decision log that cannot be written', () => {
  it.each([
    ['a folder', (): string => folder],
    ['in a folder that is not there', (): string => join(folder, 'gone', 'decisions.jsonl')],
    ['a device', (): string => '/dev/full'],
    [
      'a pipe that nobody reads',
      (): string => {
        const pipe = join(folder, 'pipe');
        execFileSync('mkfifo', [pipe]);
        return pipe;
      },
    ],
  ])('rejects: it is %s', async (_what, path) => {
    await expect(decisionLog(path()).write(allowed)).rejects.toMatchObject({
      code: 'log_unwritable',
      exit: 6,
      http: 503,
    });
  });

  it('tells nothing of where it is: a gateway passes the message on', async () => {
    const error: unknown = await decisionLog(folder)
      .write(allowed)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ message: 'the decision log cannot be written: EISDIR' });
    expect(`${(error as Error).message} ${(error as { hint: string }).hint}`).not.toContain(folder);
  });

  it('rejects when the file may not grow, and every line after that is whole again', () => {
    writeFileSync(file, `${'x'.repeat(900)}\n`);
    const compiled = new URL('../../../dist/client/decide/decision-log.js', import.meta.url).href;
    const script = `const { decisionLog } = await import(${JSON.stringify(compiled)});
      const decision = JSON.parse(process.argv[2]);
      const said = await decisionLog(process.argv[1]).write(decision).then(() => 'written', ({ code }) => code);
      process.stdout.write(said);`;
    // In a process of its own, because the limit (in KiB) is the process's: the line that no longer fits is cut off.
    const run = (limit: string): string =>
      execFileSync(
        'bash',
        [
          '-c',
          `ulimit -f ${limit}; exec "$0" "$@"`,
          process.execPath,
          '--input-type=module',
          '-e',
          script,
          file,
          JSON.stringify(allowed),
        ],
        { encoding: 'utf8' },
      );
    expect(run('1')).toBe('log_unwritable');
    expect(statSync(file).size).toBe(1024);
    expect(run('unlimited')).toBe('written');
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(decisionLogEntrySchema.parse(JSON.parse(lines.at(-1) ?? ''))).toMatchObject({ effect: 'allow' });
  });

  it('is written again once it can be', async () => {
    mkdirSync(file);
    const log = decisionLog(file);
    await expect(log.write(allowed)).rejects.toMatchObject({ code: 'log_unwritable' });
    rmSync(file, { recursive: true });
    appendFileSync(file, '');
    await log.write(allowed);
    expect(entries()).toHaveLength(1);
  });
});
