import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AuditLine, AuditPayload } from '../../../domain/audit-line.js';
import { ownEntry } from '../../../domain/audit-mapping.js';
import type { SentinelLogEntry } from '../../../domain/sentinel.js';
import { AUDIT_GENESIS, auditLineHash, signAuditLine } from '../../../proofs/audit-log.js';
import { generateRoleKey } from '../../../proofs/role-key.js';
import { sentinelLogEntryJson } from '../../../proofs/sentinel-json.js';
import { trustFileText } from '../../../proofs/trust.js';
import { ENTRY, KEY, SECRET, signed } from '../../proofs/sentinel-vectors.js';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy, type People } from '../people.js';
import { aliceAsks, signedRequest } from '../signed.js';
import { reseal } from '../terminal.js';

const ID = '0123456789abcdef';
const AT = '2026-11-21T01:08:15.120Z';
const register = generateRoleKey();
let folder: string;
let people: People;
let api: MachineApi;

const closed: SentinelLogEntry = {
  ...ENTRY,
  timestamp: '2026-11-21T01:30:00Z',
  event: 'breakglass.closed',
  status: 'closed',
  closed_by: 'dana',
  closed_reason: 'close',
};
const entries: AuditPayload['entry'][] = [
  ownEntry(
    { event_id: ENTRY.event_id, invoker: 'dana', profile: 'production', reason_code: 'incident' },
    AT,
    'reseal.request',
  ),
  ENTRY,
  closed,
];

/** So many lines of a log, one after another in turns. */
function logOf(count: number): AuditLine[] {
  let prev_hash = AUDIT_GENESIS;
  return Array.from({ length: count }, (_, index) => {
    const entry = entries[index % entries.length]!;
    const said = { at: AT, logged_at: AT, said_by: 'register', ledger: null, entry, details: { ticket: 'INC-7' } };
    const line = signAuditLine({ schema: 'reseal.audit.v1', seq: index + 1, prev_hash, ...said }, register);
    prev_hash = auditLineHash(line);
    return { seq: index + 1, line };
  });
}

beforeAll(() => {
  people = makePeople();
});
afterAll(() => people.dispose());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-audit-'));
  api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
  api.audit = logOf(3);
  const roles = [{ role: 'register' as const, publicKey: register.publicKey }];
  writeFileSync(join(folder, 'trust.json'), trustFileText({ roles, roster: people.roster }));
  writeFileSync(join(folder, 'hmac.key'), SECRET, { mode: 0o600 });
  return () => rmSync(folder, { recursive: true, force: true });
});

const here = (argv: readonly string[], more: Parameters<typeof reseal>[2] = {}) =>
  reseal(api, ['audit', ...argv], { cwd: folder, env: { RESEAL_TRUST: join(folder, 'trust.json') }, ...more });
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const write = (name: string, ...lines: string[]): void =>
  writeFileSync(join(folder, name), lines.map((line) => `${line}\n`).join(''));
const KEYED = ['--key-file', 'hmac.key', '--key-id', KEY.key_id];

describe('reseal audit tail', () => {
  it('shows what the last lines say, one a line', async () => {
    const ran = await here(['tail', '-n', '2']);
    expect(ran.status).toBe(0);
    expect(ran.out.trim().split('\n')).toHaveLength(2);
    expect(ran.out).toMatch(
      /^2 {2}2026-11-21T01:08:15\.120Z {2}breakglass\.invoked {2}00112233445566aa {2}invoker=dana/m,
    );
    expect(ran.out).toContain('closed_reason=close');
  });

  it('shows them as JSON, whole', async () => {
    const { out } = await here(['tail', '-n', '1', '-o', 'json']);
    expect(JSON.parse(out)).toMatchObject({ seq: 3, entry: closed });
  });

  it('shows the signed lines themselves', async () => {
    const { out } = await here(['tail', '--format', 'reseal']);
    expect(out).toBe(api.audit.map(({ line }) => `${line}\n`).join(''));
  });

  it('goes on with what comes until Ctrl-C', async () => {
    const all = logOf(5);
    const stop = new AbortController();
    const asked: number[] = [];
    const auditLines = api.auditLines.bind(api);
    api.auditLines = async (filter) => {
      asked.push(filter.after ?? 0);
      if (asked.length === 2) api.audit = all;
      if (asked.length === 4) stop.abort();
      return auditLines(filter);
    };
    const ran = await here(['tail', '-f', '-n', '1', '--format', 'reseal'], { signal: stop.signal });
    expect([ran.status, ran.out]).toEqual([
      0,
      all
        .slice(2)
        .map(({ line }) => `${line}\n`)
        .join(''),
    ]);
    expect(asked).toEqual([0, 3, 5, 5]);
  });

  it.each([
    ['x', /--lines is a whole number/],
    ['501', /--lines is a whole number/],
  ])('refuses to show %s lines', async (lines, message) => {
    const ran = await here(['tail', '-n', lines]);
    expect([ran.status, ran.err]).toEqual([2, expect.stringMatching(message)]);
  });
});

describe('reseal audit export', () => {
  it('writes every line as it was signed, a page at a time, for its owner alone', async () => {
    api.audit = logOf(1203);
    const ran = await here(['export', '--out', 'audit.jsonl']);
    expect(ran).toMatchObject({ status: 0, out: '' });
    expect(ran.err).toContain('1203 lines');
    expect(read('audit.jsonl')).toBe(api.audit.map(({ line }) => `${line}\n`).join(''));
    expect(statSync(join(folder, 'audit.jsonl')).mode & 0o777).toBe(0o600);
    expect((await here(['verify', 'audit.jsonl'])).status).toBe(0);
  });

  it("writes Sentinel's lines byte for byte, and the same bytes again", async () => {
    const argv = ['export', '--format', 'sentinel', ...KEYED, '--out'];
    expect((await here([...argv, 'a.jsonl'])).status).toBe(0);
    expect((await here([...argv, 'b.jsonl'])).status).toBe(0);
    expect(read('a.jsonl')).toBe(`${signed(ENTRY)}\n${signed(closed)}\n`);
    expect(read('b.jsonl')).toBe(read('a.jsonl'));
    expect((await here(['verify', 'a.jsonl', '--key-file', 'hmac.key'])).status).toBe(0);
  });

  it('writes to standard output', async () => {
    const ran = await here(['export', '--out', '-']);
    expect(ran.out).toBe(api.audit.map(({ line }) => `${line}\n`).join(''));
  });

  it('writes no line of Sentinel unsigned', async () => {
    for (const missing of [[], ['--key-id', 'k'], ['--key-file', 'hmac.key']]) {
      const ran = await here(['export', '--format', 'sentinel', '--out', 'x.jsonl', ...missing]);
      expect([ran.status, ran.err]).toEqual([2, expect.stringMatching(/--key-(file|id) is missing/)]);
    }
    expect(existsSync(join(folder, 'x.jsonl'))).toBe(false);
  });

  it('signs nothing for lines that do not verify, and leaves no file', async () => {
    api.audit = [api.audit[0]!, { seq: 2, line: api.audit[1]!.line.replace('"sig":"', '"sig":"A') }];
    const ran = await here(['export', '--format', 'sentinel', ...KEYED, '--out', 'x.jsonl']);
    expect([ran.status, ran.err]).toEqual([7, expect.stringContaining('line 2 of the audit log does not verify')]);
    expect(readdirSync(folder).filter((name) => name.startsWith('x.jsonl'))).toEqual([]);
  });

  it('overwrites only with --force', async () => {
    write('audit.jsonl', 'mine');
    const refused = await here(['export', '--out', 'audit.jsonl']);
    expect([refused.status, refused.err]).toEqual([2, expect.stringContaining('--force')]);
    expect(read('audit.jsonl')).toBe('mine\n');
    expect((await here(['export', '--out', 'audit.jsonl', '--force'])).status).toBe(0);
    expect(read('audit.jsonl')).not.toBe('mine\n');
  });

  it.each([
    [['--format', 'sentinell', '--out', 'x'], /did you mean|--format is reseal or sentinel/],
    [[], /--out FILE is missing/],
    [['--out', 'x', '--since', 'yesterday'], /--since/],
    [['--out', 'x', '--until', '2026-99-99'], /--until/],
    [['--out', 'x', ...KEYED], /are for --format sentinel/],
    [['--out', join('no', 'where')], /cannot be written: ENOENT/],
  ])('refuses %j', async (argv, message) => {
    const ran = await here(['export', ...argv]);
    expect([ran.status, ran.err]).toEqual([2, expect.stringMatching(message)]);
  });
});

describe('an HMAC key', () => {
  const refusalOf = async (): Promise<string> => (await here(['verify', 'a.jsonl', '--key-file', 'odd.key'])).err;
  beforeEach(() => write('a.jsonl', signed(ENTRY)));

  it('may end in a line break, and is warned of when others can read it', async () => {
    writeFileSync(join(folder, 'odd.key'), `${SECRET.toString()}\n`);
    chmodSync(join(folder, 'odd.key'), 0o644);
    const ran = await here(['verify', 'a.jsonl', '--key-file', 'odd.key']);
    expect([ran.status, ran.err]).toEqual([0, expect.stringContaining('chmod 600')]);
  });

  it('is refused when it is short, missing or a folder, without a word of it', async () => {
    expect(await refusalOf()).toContain('ENOENT');
    writeFileSync(join(folder, 'odd.key'), 'short-secret', { mode: 0o600 });
    const short = await refusalOf();
    expect(short).toContain('at least 32');
    expect(short).not.toContain('short-secret');
    const folderAsKey = await here(['verify', 'a.jsonl', '--key-file', '.']);
    expect([folderAsKey.status, folderAsKey.err]).toEqual([2, expect.stringContaining('not a regular file')]);
  });
});

describe('reseal audit verify', () => {
  it('names every line of ours that is wrong', async () => {
    write('audit.jsonl', api.audit[0]!.line, api.audit[2]!.line);
    const ran = await here(['verify', 'audit.jsonl']);
    expect([ran.status, ran.out]).toEqual([7, expect.stringContaining('line 2: gap')]);
    const json = await here(['verify', 'audit.jsonl', '-o', 'json']);
    expect(JSON.parse(json.out)).toMatchObject({ ok: false, count: 2, faults: [{ line: 2, code: 'gap' }] });
  });

  it('names every line of Sentinel that is wrong', async () => {
    write('s.jsonl', signed(ENTRY), signed(ENTRY).replace('dana', 'erin'), sentinelLogEntryJson(ENTRY));
    const ran = await here(['verify', 's.jsonl', ...KEYED]);
    expect(ran.status).toBe(7);
    expect(ran.out).toMatch(/line 2: signature_mismatch: .*\n {2}line 3: unsigned/);
  });

  it('counts one line as one', async () => {
    write('s.jsonl', signed(ENTRY));
    expect((await here(['verify', 's.jsonl', ...KEYED])).out).toBe(`VERIFIED: 1 line by ${KEY.key_id}\n`);
  });

  it('does not take a file without a line for verified', async () => {
    write('empty.jsonl');
    expect((await here(['verify', 'empty.jsonl'])).status).toBe(7);
    expect((await here(['verify', 'empty.jsonl', ...KEYED])).status).toBe(7);
  });

  it('says which key is needed for a file of the other kind', async () => {
    write('s.jsonl', signed(ENTRY));
    const ran = await here(['verify', 's.jsonl']);
    expect([ran.status, ran.err]).toEqual([2, expect.stringContaining('--key-file')]);
    const both = await here(['verify', 's.jsonl', '--trust', 'trust.json', ...KEYED]);
    expect(both.status).toBe(2);
  });
});

describe('reseal audit import', () => {
  const lines = Array.from({ length: 3 }, (_, index) => signed({ ...ENTRY, event_id: `00112233445566a${index}` }));

  it('has the register verify all of it before it keeps any', async () => {
    write('s.jsonl', ...lines);
    const ran = await here(['import', 's.jsonl', ...KEYED]);
    expect([ran.status, ran.out]).toEqual([0, '3 lines: 3 imported\n']);
    expect(api.imported.map(({ dry_run, lines: sent }) => [dry_run, sent.length])).toEqual([
      [true, 3],
      [false, 3],
    ]);
    expect(api.imported[0]?.lines[1]).toEqual({ line: 2, text: lines[1] });
  });

  it('sends a long file in parts that fit', async () => {
    write('s.jsonl', ...Array.from({ length: 2500 }, () => lines[0]!));
    expect((await here(['import', 's.jsonl', ...KEYED])).status).toBe(0);
    const parts = api.imported.filter(({ dry_run }) => !dry_run).map(({ lines: sent }) => sent);
    expect(parts.length).toBeGreaterThan(5);
    expect(parts.flat().map(({ line }) => line)).toEqual(Array.from({ length: 2500 }, (_, index) => index + 1));
    for (const part of parts) expect(JSON.stringify(part).length).toBeLessThan(400_000);
  });

  it('imports nothing when a line does not verify, and names it', async () => {
    write('s.jsonl', lines[0]!, lines[1]!.replace('dana', 'erin'), '{"event":"breakglass.invoked"}');
    const ran = await here(['import', 's.jsonl', ...KEYED]);
    expect([ran.status, api.imported]).toEqual([7, []]);
    expect(ran.out).toMatch(/NOTHING IMPORTED.*\n {2}line 2: signature_mismatch.*\n {2}line 3: unsigned/);
  });

  it('imports the rest with --skip-invalid, and lists what it left out', async () => {
    write('s.jsonl', 'nonsense', lines[0]!);
    const ran = await here(['import', 's.jsonl', ...KEYED, '--skip-invalid', '-o', 'json']);
    expect(ran.status).toBe(0);
    expect(JSON.parse(ran.out)).toMatchObject({ lines: 2, imported: 1, refused: [{ line: 1, code: 'syntax' }] });
    expect(api.imported.at(-1)).toMatchObject({ skip_invalid: true, lines: [{ line: 2 }] });
  });

  it('imports nothing when the register has another key, and says where its keys are', async () => {
    write('s.jsonl', ...lines);
    api.importAnswer = ({ lines: sent }) => ({
      lines: sent.length,
      imported: 0,
      duplicates: 0,
      passed_over: [],
      refused: sent.map(({ line }) => ({ line, code: 'key_unknown', message: 'no key is known as key-2026-01' })),
    });
    const ran = await here(['import', 's.jsonl', ...KEYED]);
    expect([ran.status, ran.err]).toEqual([7, expect.stringContaining('sentinel_import_keys')]);
    expect(api.imported.every(({ dry_run }) => dry_run)).toBe(true);
  });

  it('fails with --skip-invalid too when nothing at all verifies', async () => {
    write('s.jsonl', 'nonsense');
    expect((await here(['import', 's.jsonl', ...KEYED, '--skip-invalid'])).status).toBe(7);
  });

  it.each([
    [['import', 's.jsonl'], /--key-file is missing/],
    [['import', 'empty.jsonl', ...KEYED], /there is no line in/],
    [['import', 'nowhere.jsonl', ...KEYED], /cannot be read: ENOENT/],
    [['import', 's.jsonl', '--key-file', 'hmac.key', '--key-id', 'a b'], /--key-id is/],
  ])('refuses %j', async (argv, message) => {
    write('s.jsonl', ...lines);
    write('empty.jsonl');
    const ran = await here(argv);
    expect([ran.status, ran.err]).toEqual([2, expect.stringMatching(message)]);
  });
});

describe('reseal audit event', () => {
  it('prints the event of Sentinel, and none for what was never in effect', async () => {
    await api.open(await signedRequest(people, aliceAsks(ID)), ID);
    const none = await here(['event', ID]);
    expect([none.status, none.err]).toEqual([2, expect.stringContaining('awaiting_approval')]);
    api.show(ID, {
      state: 'closed',
      status: 'closed',
      expires_at: AT,
      ended_at: AT,
      ended_by: 'alice',
      cause: 'close',
    });
    const ran = await here(['event', ID]);
    expect(ran.status).toBe(0);
    expect(ran.out.split('\n')[1]).toBe(`  "id": "${ID}",`);
    expect(JSON.parse(ran.out)).toMatchObject({
      duration: 1_800_000_000_000,
      status: 'closed',
      expires_at: '2026-11-21T01:08:15.12Z',
      closed_by: 'alice@example.test',
      closed_reason: 'close',
    });
  });
});
