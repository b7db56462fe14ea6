import { beforeEach, describe, expect, it } from 'vitest';

import { begunAfter } from '../../../../domain/extension.js';
import { instant } from '../../../../domain/identifiers.js';
import type { SignedIntent } from '../../../../domain/intent.js';
import { applyOutcomeSchema, type Survey } from '../../../../domain/outcomes.js';
import type { EffectTasks, Evidence, VerifierTasks } from '../../../../domain/tasks.js';
import { signIntent } from '../../../../proofs/signed-intent.js';
import { AccessWorld } from '../access/access-world.js';
import { AssignmentWorld } from '../assignment/assignment-world.js';
import { runAttempts } from '../attempts.js';
import { inAWorld, MINUTE } from '../in-a-world.js';
import { ALICE, EVIDENCE, type Unbound, type World } from '../world.js';

let world: World;
inAWorld((fresh) => {
  world = fresh;
});

interface Kind {
  granted: () => Promise<SignedIntent>;
  survey: () => Promise<Survey>;
  tasks: () => Unbound<Pick<EffectTasks, 'apply' | 'rollback'>>;
  verifier: () => Unbound<VerifierTasks>;
}
let roles: AssignmentWorld;
let policies: AccessWorld;
beforeEach(() => {
  roles = new AssignmentWorld(world);
  policies = new AccessWorld(world);
});

const assignment: Kind = {
  survey: () => roles.surveyed(),
  granted: async () => {
    const signed = roles.intent();
    await roles.granted(signed);
    return signed;
  },
  tasks: () => roles.tasks,
  verifier: () => roles.verifier,
};
const access = (kind: 'entra.ca_exclusion' | 'entra.ca_policy'): Kind => ({
  survey: async () => {
    await policies.policy();
    const surveyed = await policies.survey(policies.request(kind));
    if (surveyed.outcome !== 'surveyed') throw new Error(surveyed.message);
    return surveyed.survey;
  },
  granted: async () => {
    const signed = policies.intent(kind);
    await policies.granted(signed);
    return signed;
  },
  tasks: () => policies.tasks,
  verifier: () => policies.verifier,
});

describe.each([
  ['a plain assignment', assignment],
  ['an exclusion', access('entra.ca_exclusion')],
  ['a policy that is off', access('entra.ca_policy')],
] as const)('%s that is extended', (_name, kind) => {
  let survey: Survey;
  let first: SignedIntent;
  let second: SignedIntent;
  beforeEach(async () => {
    survey = await kind.survey();
    first = await kind.granted();
    world.clock.advance(10 * MINUTE);
    const deadline = instant(Date.parse(first.intent.deadline) + 20 * MINUTE);
    const issued_at = instant(world.clock.now());
    second = signIntent({ ...first.intent, round: 2, issued_at, deadline }, world.authority);
  });

  async function extend() {
    const evidence: Evidence = { ...EVIDENCE, extension: { asked: { payload: '', signature: '' }, prior: [first] } };
    const input = { signed: second, evidence, warrant: await world.warrant(second), first: true };
    const { result } = await runAttempts(kind.tasks().apply, input, world.clock);
    return applyOutcomeSchema.parse(result);
  }
  const writes = async (): Promise<number> =>
    (await world.truth()).calls.filter(({ method }) => method !== 'GET').length;
  const takeBack = async (signed: SignedIntent) =>
    (await runAttempts(kind.tasks().rollback, { signed, round: 1 }, world.clock)).result;

  it('goes on standing without a call that changes anything, and the second identity sees it', async () => {
    const before = await writes();
    expect(await extend()).toMatchObject({ outcome: 'granted', ends_at: null, adopted: true });
    expect(await writes()).toBe(before);
    expect(world.entries.at(-1)).toMatchObject({ type: 'extended', transition: 'extended/2' });
    expect(world.entry('extended')['tool']).toMatch(/write_/);
    const { result } = await runAttempts(kind.verifier().verify, { signed: second, survey }, world.clock);
    expect(result).toMatchObject({ outcome: 'present', ends_at: null, findings: [] });
    expect(world.entries.at(-1)).toMatchObject({ type: 'verified', transition: 'verified/2' });
  });

  it('is not made again where it is gone', async () => {
    await takeBack(first);
    const before = await writes();
    expect(await extend()).toMatchObject({ outcome: 'refused', code: 'already_removed', clean: true });
    expect(await writes()).toBe(before);
  });

  it('is not extended in the last minute before the deadline that holds, nor of a protected principal', async () => {
    world.protectedIds.add(ALICE);
    expect(await extend()).toMatchObject({ outcome: 'refused', code: 'protected_principal' });
    world.protectedIds.delete(ALICE);
    world.clock.advance(19.5 * MINUTE);
    expect(await extend()).toMatchObject({ outcome: 'refused', code: 'extension_too_late' });
  });

  it('is taken back by the later intent, and the audit log’s row from before that intent is found', async () => {
    await extend();
    expect(await takeBack(second)).toMatchObject({ outcome: 'removed', word: 'revoked' });
    const ended_at = instant(world.clock.now());
    world.clock.advance(16 * MINUTE);
    const { result } = await runAttempts(kind.verifier().audit, { signed: second, ended_at }, world.clock);
    expect(result.outcome).toBe('audited');
    expect(begunAfter(second.intent)).toBeLessThanOrEqual(Date.parse(first.intent.issued_at));
  });
});
