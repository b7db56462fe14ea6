import { appendFile, mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';

import { attemptSchema, type Attempt } from '../../domain/attempt.js';
import { cutUnits } from '../../domain/cut-text.js';
import { instant } from '../../domain/identifiers.js';
import type { SigningRole } from '../../domain/roles.js';
import { attemptHash, attemptLine, FIRST_ATTEMPT_HASH } from '../../proofs/attempts-ledger.js';
import type { RoleKey } from '../../proofs/role-key.js';
import type { Clock } from '../clock.js';

/** What was refused, and to whom. */
export type Refused = Pick<
  Attempt,
  'activity' | 'workflow_id' | 'workflow_type' | 'event_id' | 'code' | 'input_digest'
>;

/** What a role's ledger of attempts is made from. */
export interface AttemptsOptions {
  role: SigningRole;
  key: Pick<RoleKey, 'keyid' | 'privateKey'>;
  clock: Clock;
  /** Where its files go; null writes log lines alone. */
  directory: string | null;
  log: (message: string, fields: Record<string, unknown>) => void;
  bounds?: AttemptsBounds;
}

/** So much is written, whoever asks how often; beyond it is counted. */
export interface AttemptsBounds {
  /** Lines an hour of one code to one activity, and in all. */
  alike: number;
  hourly: number;
  /** Bytes of a file, after which another is begun, and of all files in the directory. */
  file: number;
  directory: number;
}
const BOUNDS: AttemptsBounds = { alike: 8, hourly: 64, file: 8 * 1024 * 1024, directory: 256 * 1024 * 1024 };
const HOUR_MS = 3600_000;
/** Kinds of attempts that are counted by name; what comes after them is counted together. */
const MOST_COUNTED = 63;
const OTHERS = { activity: 'others', code: 'others' };

interface OpenFile {
  path: string;
  bytes: number;
  seq: number;
  head: string;
}

/**
 * What a role refused, in files that only grow, each line signed by the role and chained to the one before: for SREs, and
 * for `reseal audit attempts`. Each process writes files of its own, made when there is something to write. A flood fills no
 * disk: alike attempts are counted after the first few of an hour, and their number stands in the next line.
 *
 * `record` never rejects: a ledger that cannot be written keeps no role from its work, and the log says so once.
 */
export class AttemptsLedger {
  private file: OpenFile | undefined;
  private hour = { began: 0, lines: 0, alike: new Map<string, number>() };
  private counted = new Map<string, { activity: string; code: string; count: number }>();
  private turn: Promise<void> = Promise.resolve();
  private complained = false;

  constructor(private readonly options: AttemptsOptions) {}

  /** Resolves when it is written, or counted. */
  record(refused: Refused): Promise<void> {
    this.turn = this.turn.then(() => this.take(refused)).catch((error: unknown) => this.complain(error));
    return this.turn;
  }

  private async take(refused: Refused): Promise<void> {
    const { bounds = BOUNDS, clock, role, log, directory } = this.options;
    const nowMs = clock.now();
    if (Math.abs(nowMs - this.hour.began) >= HOUR_MS) this.hour = { began: nowMs, lines: 0, alike: new Map() };
    const { code, event_id } = refused;
    const [activity, workflow_id] = [cut(refused.activity), cut(refused.workflow_id)];
    const kind = `${activity} ${code}`;
    const before = this.hour.alike.get(kind) ?? 0;
    if (before >= bounds.alike || this.hour.lines >= bounds.hourly) return this.count(kind, { activity, code });
    this.hour.alike.set(kind, before + 1);
    this.hour.lines += 1;
    log('attempt_refused', { role, activity, code, event_id, workflow_id });
    if (directory !== null) await this.write(directory, refused, nowMs, bounds);
  }

  private count(kind: string, named: { activity: string; code: string }): void {
    const known = this.counted.has(kind) || this.counted.size < MOST_COUNTED;
    const [key, said] = known ? [kind, named] : ['', OTHERS];
    this.counted.set(key, { ...said, count: (this.counted.get(key)?.count ?? 0) + 1 });
  }

  private async write(directory: string, refused: Refused, nowMs: number, bounds: AttemptsBounds): Promise<void> {
    const file = this.file ?? (await this.begin(directory, nowMs, bounds));
    const attempt = attemptSchema.parse({
      ...refused,
      schema: 'reseal.attempt.v1',
      seq: file.seq + 1,
      prev_hash: file.head,
      at: instant(nowMs),
      role: this.options.role,
      activity: cut(refused.activity),
      workflow_id: cut(refused.workflow_id),
      workflow_type: cut(refused.workflow_type),
      only_counted: [...this.counted.values()],
    });
    const line = attemptLine(attempt, this.options.key);
    await appendFile(file.path, `${line}\n`, { mode: 0o640 });
    this.counted = new Map();
    const bytes = file.bytes + Buffer.byteLength(line) + 1;
    this.file = bytes >= bounds.file ? undefined : { ...file, bytes, seq: attempt.seq, head: attemptHash(line) };
  }

  private async begin(directory: string, nowMs: number, bounds: AttemptsBounds): Promise<OpenFile> {
    await mkdir(directory, { recursive: true, mode: 0o750 });
    const names = await readdir(directory);
    const sizes = await Promise.all(names.map(async (name) => (await stat(path.join(directory, name))).size));
    if (sizes.reduce((sum, size) => sum + size, 0) + bounds.file > bounds.directory)
      throw Object.assign(new Error('the ledger of attempts is full: move its files away'), { code: 'attempts_full' });
    const stamp = instant(nowMs).replace(/[:.]/g, '-');
    const name = `${this.options.role.replace(/[^a-z0-9]+/g, '-')}.${stamp}.${process.pid}.${names.length}.jsonl`;
    return { path: path.join(directory, name), bytes: 0, seq: 0, head: FIRST_ATTEMPT_HASH };
  }

  /** Once, until something could be written again: what could not be is at least counted in the log. */
  private complain(error: unknown): void {
    this.file = undefined;
    if (this.complained) return;
    this.complained = true;
    const { code = 'unknown' } = error as { code?: string };
    this.options.log('attempts_unwritable', { role: this.options.role, code });
  }
}

const cut = (text: string): string => cutUnits(text, 200);
