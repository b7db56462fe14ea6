import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { AttemptsLedger, type AttemptsBounds, type Refused } from '../../../activities/attempts/attempts-ledger.js';
import { refusalIn, refusalInError } from '../../../domain/attempt.js';
import { verifyAttempts } from '../../../proofs/attempts-ledger.js';
import { keyOf, roleKeys, T0 } from '../../proofs/ceremony-people.js';

const ROLE = 'effect:entra.directory_role';
let directory: string;
let now: number;
let logged: string[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'reseal-attempts-'));
  now = T0;
  logged = [];
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const ledger = (over: { bounds?: AttemptsBounds; directory?: string } = {}): AttemptsLedger =>
  new AttemptsLedger({
    role: ROLE,
    key: roleKeys[ROLE],
    clock: { now: () => now },
    directory: over.directory ?? directory,
    log: (message) => logged.push(message),
    ...(over.bounds === undefined ? {} : { bounds: over.bounds }),
  });
const refused = (over: Partial<Refused> = {}): Refused => ({
  activity: 'apply',
  workflow_id: 'attack/1',
  workflow_type: 'attack',
  event_id: '0123456789abcdef',
  code: 'warrant_foreign',
  input_digest: 'a'.repeat(64),
  ...over,
});
const files = (): string[] =>
  readdirSync(directory)
    .sort()
    .map((name) => join(directory, name));
const reports = () => files().map((file) => verifyAttempts(readFileSync(file), keyOf));

describe('what a role refused', () => {
  it('stands in a file of its own, signed by the role and chained, with nothing of the input but its digest', async () => {
    const attempts = ledger();
    await attempts.record(refused());
    now += 1000;
    await attempts.record(refused({ code: 'intent_not_authentic', event_id: null, input_digest: null }));
    expect(reports()).toMatchObject([
      {
        ok: true,
        count: 2,
        attempts: [
          { seq: 1, role: ROLE, activity: 'apply', code: 'warrant_foreign', workflow_id: 'attack/1', only_counted: [] },
          { seq: 2, code: 'intent_not_authentic', event_id: null },
        ],
      },
    ]);
    expect(logged).toEqual(['attempt_refused', 'attempt_refused']);
  });

  it('is there whatever the workflow was called: no name is cut in the middle of a character', async () => {
    const attempts = ledger();
    await attempts.record(refused({ workflow_id: `${'a'.repeat(199)}😀`, workflow_type: '😀'.repeat(300) }));
    expect(reports()).toMatchObject([{ ok: true, attempts: [{ seq: 1, workflow_id: 'a'.repeat(199) }] }]);
    expect(logged).toEqual(['attempt_refused']);
  });

  it('is not there while nothing was refused', () => {
    ledger();
    expect(files()).toEqual([]);
  });

  it('fills no disk in a flood: alike ones are counted, and others still stand there', async () => {
    const attempts = ledger();
    await Promise.all(Array.from({ length: 5000 }, () => attempts.record(refused())));
    await attempts.record(refused({ code: 'intent_not_authentic' }));
    const [report] = reports();
    expect(report).toMatchObject({ ok: true, count: 9 });
    expect(report?.attempts.at(-1)?.only_counted).toEqual([
      { activity: 'apply', code: 'warrant_foreign', count: 4992 },
    ]);
    now += 3600_000;
    await attempts.record(refused());
    expect(reports()[0]).toMatchObject({ ok: true, count: 10 });
  });

  it('fills no disk with names of the attacker’s choice either', async () => {
    const attempts = ledger();
    for (let index = 0; index < 500; index += 1)
      await attempts.record(refused({ activity: `${index}-${'x'.repeat(5000)}`, workflow_id: 'y'.repeat(5000) }));
    now += 3600_000;
    await attempts.record(refused());
    const [report] = reports();
    expect(report).toMatchObject({ ok: true, count: 65 });
    const { only_counted = [] } = report?.attempts.at(-1) ?? {};
    expect(only_counted).toHaveLength(64);
    expect(only_counted.reduce((sum, { count }) => sum + count, 0)).toBe(500 - 64);
    expect(readFileSync(files()[0] ?? '').length).toBeLessThan(200 * 1024);
  });

  it('begins another file when one is long, and none when the directory is full', async () => {
    const attempts = ledger({ bounds: { alike: 100, hourly: 100, file: 1500, directory: 6000 } });
    for (let index = 0; index < 40; index += 1) await attempts.record(refused());
    expect(files().length).toBeGreaterThan(2);
    expect(reports().every(({ ok }) => ok)).toBe(true);
    expect(files().reduce((sum, file) => sum + readFileSync(file).length, 0)).toBeLessThan(8000);
    expect(logged.filter((message) => message === 'attempts_unwritable')).toHaveLength(1);
  });

  it('keeps no role from its work where it cannot be written', async () => {
    const inTheWay = join(directory, 'file');
    writeFileSync(inTheWay, '');
    await ledger({ directory: inTheWay }).record(refused());
    expect(logged).toEqual(['attempt_refused', 'attempts_unwritable']);
  });
});

describe('a ledger of attempts that was changed', () => {
  const lines = async (): Promise<string[]> => {
    const attempts = ledger();
    for (const code of ['one', 'two', 'three']) await attempts.record(refused({ code }));
    return readFileSync(files()[0] ?? '', 'utf8')
      .trimEnd()
      .split('\n');
  };
  const verified = (text: readonly string[]) => verifyAttempts(Buffer.from(`${text.join('\n')}\n`), keyOf);

  it('does not verify: a line missing, moved, doubled, edited, or signed by another role', async () => {
    const [first = '', second = '', third = ''] = await lines();
    expect(verified([first, second, third]).ok).toBe(true);
    for (const changed of [
      [first, third],
      [second, third],
      [first, third, second],
      [first, first, second],
      [first, second.replace('"sig":"', '"sig":"A'), third],
      [first, 'not a line', third],
    ])
      expect(verified(changed).ok, changed.length.toString()).toBe(false);
    const { publicKey } = roleKeys[ROLE];
    const posing = verifyAttempts(Buffer.from(first), () => ({ role: 'authority', publicKey }));
    expect(posing.faults).toEqual([{ line: 1, message: `${ROLE} did not sign it` }]);
  });
});

describe('an answer refuses', () => {
  it.each([
    [{ outcome: 'refused', code: 'quorum_not_met' }, 'quorum_not_met'],
    [{ outcome: 'refused', code: 'Not A Code' }, 'refused'],
    [{ outcome: 'not_authentic' }, 'intent_not_authentic'],
    [{ outcome: 'warrant_expired' }, 'warrant_expired'],
    [{ outcome: 'granted' }, undefined],
    [{ outcome: 'toString' }, undefined],
    [null, undefined],
    ['refused', undefined],
  ])('%j: %s', (answer, code) => {
    expect(refusalIn(answer)).toBe(code);
  });

  it('by an error that is final, or of a ceremony nobody signed for; not by one that only waits', () => {
    expect(refusalInError(ApplicationFailure.nonRetryable('no', 'event_unknown'))).toBe('event_unknown');
    expect(refusalInError(ApplicationFailure.retryable('no', 'intent_not_authentic'))).toBe('intent_not_authentic');
    expect(refusalInError(ApplicationFailure.retryable('later', 'read_too_soon'))).toBeUndefined();
    expect(refusalInError(new TypeError('x'))).toBe('input_malformed');
    expect(refusalInError(undefined)).toBeUndefined();
  });
});
