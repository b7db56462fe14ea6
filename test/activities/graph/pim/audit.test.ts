import { describe, expect, it } from 'vitest';

import { instant } from '../../../../domain/identifiers.js';
import type { SignedIntent } from '../../../../domain/intent.js';
import { auditOutcomeSchema } from '../../../../domain/outcomes.js';
import { runAttempts } from '../attempts.js';
import { grantedIn, inAWorld, MINUTE } from '../in-a-world.js';
import { ALICE, USER_ADMINISTRATOR, type World } from '../world.js';

let world: World;
let signed: SignedIntent;
inAWorld((fresh) => {
  world = fresh;
  signed = world.intent();
});

const HOUR = 60 * MINUTE;

const granted = (): Promise<void> => grantedIn(world, signed, 10 * MINUTE);

async function audit() {
  const ended_at = instant(world.clock.now());
  const ran = await runAttempts(world.verifier.audit, { signed, ended_at }, world.clock);
  expect(auditOutcomeSchema.parse(ran.result)).toEqual(ran.result);
  return { ...ran, ended: Date.parse(ended_at) };
}

describe("asking PIM's audit log", () => {
  it('finds the grant by its marker and the removal after it, not before fifteen minutes', async () => {
    await granted();
    await runAttempts(world.effects.rollback, { signed, round: 1 }, world.clock);
    const { result, failures, ended } = await audit();
    expect(result.outcome).toBe('audited');
    expect(failures).toMatchObject([{ type: 'audit_not_due', delayMs: 15 * MINUTE }]);
    expect(Date.parse(result.at)).toBe(ended + 15 * MINUTE);
    expect(world.entry('audited')).toMatchObject({
      added: { activity: 'Add member to role in PIM completed (timebound)' },
      removed: { activity: 'Remove member from role in PIM completed (timebound)' },
    });
  });

  it('takes the provider’s own expiry for the end', async () => {
    await granted();
    world.clock.advance(HOUR);
    expect((await audit()).result.outcome).toBe('audited');
  });

  it('comes back while the log is late, ever less often', async () => {
    await granted();
    await runAttempts(world.effects.rollback, { signed, round: 1 }, world.clock);
    await world.control('/audits', { latency_seconds: 3 * 3600 });
    const { result, failures } = await audit();
    expect(result.outcome).toBe('audited');
    expect(failures.slice(1, 5).map(({ delayMs }) => delayMs / MINUTE)).toEqual([10, 20, 40, 60]);
  });

  it('says missing after a day', async () => {
    await granted();
    await world.control('/audits', { latency_seconds: 3 * 86_400 });
    const { result, ended } = await audit();
    expect(result.outcome).toBe('missing');
    expect(Date.parse(result.at) - ended).toBeGreaterThanOrEqual(24 * HOUR);
    expect(world.entry('audited')).toMatchObject({ added: null, removed: null, log_readable: true });
  });

  it("does not take somebody else's grant of the same role for ours", async () => {
    await world.control('/assignments', { principal_id: ALICE, role_definition_id: USER_ADMINISTRATOR });
    world.clock.advance(MINUTE);
    await world.control('/assignments', { principal_id: ALICE, role_definition_id: USER_ADMINISTRATOR, remove: true });
    expect((await audit()).result.outcome).toBe('missing');
  });

  it('ends after a day though the log cannot be read', async () => {
    await granted();
    await world.fault({ method: 'GET', path: '/auditLogs', effect: 'status', status: 429, times: null });
    const ended_at = instant(world.clock.now());
    const { result } = await runAttempts(world.verifier.audit, { signed, ended_at }, world.clock, {
      maxAttempts: 2000,
    });
    expect(result.outcome).toBe('missing');
    expect(world.entry('audited')).toMatchObject({ log_readable: false });
  });
});
