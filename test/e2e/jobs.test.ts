import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { TOOLS } from '../../domain/contract.js';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { execUnder, RESEAL } from '../support/exec.js';
import { verifiedBundle } from '../support/good-end.js';
import { entriesOf } from '../support/records.js';

let stack: CeremonyStack;
let asked: Asked;
let dir: string;
beforeAll(async () => {
  stack = await CeremonyStack.start();
  asked = await stack.activate();
  dir = await mkdtemp(path.join(os.tmpdir(), 'reseal-exec-'));
});
afterAll(() => stack.stop());

/** `reseal exec` as alice runs it. */
const exec = (script: string, ...options: string[]) => execUnder(stack, asked, script, { options, cwd: dir });

async function there(name: string): Promise<void> {
  for (const giveUpAt = Date.now() + 60_000; Date.now() < giveUpAt; await sleep(50))
    if (existsSync(path.join(dir, name))) return;
  throw new Error(`${name} never came`);
}

describe('a command under `reseal exec`', () => {
  it('calls its tools without a key, and its status is the answer', async () => {
    const ran = await exec(
      `${RESEAL} tool read && ${RESEAL} tool shell.exec; echo "refused: $?"; env | grep -cE "^(RESEAL_(KEY|AS|GATEWAY)|SSH_)"; exit 7`,
      '--tools',
      'read',
      '--confined-by',
      'a test',
    );
    expect(ran).toMatchObject({ status: 7 });
    const [answer = '', refused, status, secrets] = ran.out.trim().split('\n');
    expect(JSON.parse(answer)).toMatchObject({ outcome: 'done', result: { assignments: [{ through_pim: true }] } });
    expect(JSON.parse(refused ?? '')).toMatchObject({ outcome: 'refused', code: 'tool_unknown' });
    expect(status).toBe('refused: 3');
    expect(secrets).toBe('0');
    expect(ran.err).toContain('confined by a test, as you say');
    const [job] = await entriesOf(stack, asked.event, 'job');
    expect(job).toMatchObject({ person: 'alice', tools: [TOOLS.read], confined_by: 'a test' });
    const [ended] = await entriesOf(stack, asked.event, 'job_ended');
    expect(ended).toMatchObject({ job: job?.job, status: 7, signal: null, halted: null });
  });

  it('is halted when the ceremony is killed, whether it wants to or not', async () => {
    const running = exec('trap "" TERM; echo 1 > running; while :; do sleep 0.1; done', '--grace', '1s');
    await there('running');
    await stack.say(asked, 'erin', 'kill');
    const ran = await running;
    expect(ran.status).toBe(4);
    expect(ran.err).toContain('UNCONFINED');
    expect(ran.err).toContain('is halted: the ceremony is ');
    const ended = await entriesOf(stack, asked.event, 'job_ended', 2);
    expect(ended.at(-1)).toMatchObject({ status: null, signal: 'SIGKILL', halted: 'kill' });
  });

  it('is not let in any more, and the bundle proves what was', async () => {
    await stack.advance(asked.event, '6m');
    await stack.advanceToEnd(asked.event);
    const ran = await exec('echo never');
    expect(ran).toMatchObject({ status: 3, out: '' });
    expect(readFileSync(path.join(dir, 'running'), 'utf8')).toBe('1\n');
    const report = await verifiedBundle(stack, asked.event);
    expect(report.errors).toEqual([]);
    expect(report.facts.jobs).toMatchObject([{ person: 'alice', calls: 1, refused: 1 }, { person: 'alice' }]);
    expect(report.not_verified.join('\n')).toContain('the contract does not allow that');
  });
});
