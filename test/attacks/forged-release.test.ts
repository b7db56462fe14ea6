import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPglite } from '../../activities/register/database-pglite.js';
import { AUTHORITY_MIGRATIONS } from '../../activities/authority/authority-migrations.js';
import { REGISTER_MIGRATIONS } from '../../activities/register/register-migrations.js';
import type { Database } from '../../activities/register/database.js';
import type { SigningRole } from '../../domain/roles.js';
import type { ReleaseEvidence, ReleaseIssued } from '../../domain/incidents/tasks.js';
import { instant } from '../../domain/identifiers.js';
import { signCompact } from '../../proofs/compact-jws.js';
import { judgeRelease } from '../../proofs/incidents/release-warrant.js';
import { generateRoleKey } from '../../proofs/role-key.js';
import { bob, carol, mallory, robot, roster } from '../proofs/ceremony-people.js';
import { RecoveryWorld, type Scene } from '../activities/incidents/recovery-world.js';

/**
 * Whoever can write to the namespace can call every role with anything, and complete every activity with anything. What
 * follows hands authority and containment what such a one has: other people's envelopes, its own keys, and any order.
 */
describe('a release asked for by whoever can write to the namespace', () => {
  let database: Database;
  let world: RecoveryWorld;
  beforeAll(async () => {
    database = await openPglite(null);
    await database.migrate([...REGISTER_MIGRATIONS, ...AUTHORITY_MIGRATIONS]);
    world = new RecoveryWorld(database);
    await world.migrate();
  });
  afterAll(() => database.close());

  const ask = async (scene: Scene, over: Partial<ReleaseEvidence>): Promise<ReleaseIssued> =>
    world.authority.issueRelease(await world.evidence(scene, over));
  const missing = (answer: ReleaseIssued) =>
    answer.outcome === 'refused' ? [answer.code, ...answer.missing] : 'issued';
  const judge = (scene: Scene, warrant: unknown, evidence: unknown, over: Record<string, unknown> = {}) => {
    const { incident_id, generation, host } = scene.incident;
    const authorityKey = (keyid: string) => {
      const known = world.roleKeys(keyid);
      return known?.role === 'authority' ? known.publicKey : undefined;
    };
    return judgeRelease(
      { warrant, evidence, incident_id, generation, host, action: 'freeze_agent', ...over },
      {
        ...{ roster, roleKeys: world.roleKeys, playbook: world.playbook, compatAck: false, quorum: 2 },
        ...{ nowMs: world.now, authorityKey },
      },
    );
  };

  it('is granted for an acknowledgement and a pass that answer what stands, and for this release alone', async () => {
    const scene = await world.settle('integrity_violation');
    const other = await world.settle('integrity_violation');
    const statements = [world.say(bob, 'acknowledge', scene)];
    const attestation = await world.attest(scene, 2);
    const evidence = await world.evidence(scene, { statements, attestation });
    const issued = await world.authority.issueRelease(evidence);
    if (issued.outcome !== 'issued') throw new Error(issued.message);
    const { warrant } = issued;
    expect(judge(scene, warrant, evidence)).toMatchObject({ ok: true });
    expect(judge(other, warrant, evidence)).toMatchObject({ code: 'warrant_foreign' });
    expect(judge(scene, warrant, evidence, { host: 'node-2' })).toMatchObject({ code: 'warrant_foreign' });
    expect(judge(scene, warrant, evidence, { action: 'quarantine_model' })).toMatchObject({ code: 'warrant_foreign' });
    expect(judge(scene, warrant, { ...evidence, statements: [] })).toMatchObject({ code: 'gate_shut' });
    world.now += 121_000;
    expect(judge(scene, warrant, evidence)).toMatchObject({ code: 'warrant_expired' });
    expect(judge(scene, 'a.b.c', evidence)).toMatchObject({ code: 'warrant_malformed' });
  });

  it('is refused to a warrant that somebody else signed', async () => {
    const scene = await world.settle('integrity_violation');
    const statements = [world.say(bob, 'acknowledge', scene)];
    const evidence = await world.evidence(scene, { statements, attestation: await world.attest(scene, 2) });
    const own = generateRoleKey();
    const forged = await signCompact({ sub: 'x' }, { typ: 'reseal-release+jwt', kid: own.keyid }, own.privateKey);
    expect(judge(scene, forged, evidence)).toMatchObject({ code: 'warrant_not_signed' });
    const verifier = world.key('verifier');
    const foreign = await signCompact(
      { sub: 'x' },
      { typ: 'reseal-release+jwt', kid: verifier.keyid },
      verifier.privateKey,
    );
    expect(judge(scene, foreign, evidence)).toMatchObject({ code: 'warrant_not_signed' });
  });

  it('is refused to forged completions of attest', async () => {
    const scene = await world.settle('integrity_violation');
    const other = await world.settle('attestation_failure');
    const statements = [world.say(bob, 'acknowledge', scene)];
    const roles: SigningRole[] = ['register', 'effect:containment', 'authority'];
    for (const by of roles) {
      const attestation = await world.attest(scene, 2, {}, { by, unknown: true });
      expect(missing(await ask(scene, { statements, attestation })), by).toEqual(['gate_shut', 'attestation']);
    }
    const wrong = [
      await world.attest(other, 2),
      await world.attest(scene, 3, { host: 'node-2' }, { unknown: true }),
      await world.attest(scene, 3, { purpose: 'baseline' }, { unknown: true }),
      await world.attest(scene, 3, { contained_at: instant(world.now + 1) }, { unknown: true }),
      await world.attest(scene, 3, { baseline: { kind: 'none', at: null, waived_by: [] } }, { unknown: true }),
    ];
    for (const attestation of wrong)
      expect(missing(await ask(scene, { statements, attestation }))).toEqual(['gate_shut', 'attestation']);
    expect(missing(await ask(scene, { statements, attestation: null }))).toEqual(['gate_shut', 'attestation']);
    const old = await world.attest(scene, 4, { expires_at: instant(world.now) });
    expect(missing(await ask(scene, { statements, attestation: old }))).toEqual(['gate_shut', 'attestation_expired']);
  });

  it('leaves whoever acknowledged out of a quorum for a newer reference or a waiver, and says what is missing', async () => {
    const scene = await world.settle('integrity_violation');
    const statements = [world.say(bob, 'acknowledge', scene)];
    const newer = { reference_is_newer: true, reference_accepted_by: ['bob', 'carol'] };
    const attestation = await world.attest(scene, 2, newer);
    expect(missing(await ask(scene, { statements, attestation }))).toEqual(['gate_shut', 'attestation_acceptance']);
    const waived = { baseline: { kind: 'waived' as const, at: null, waived_by: ['bob', 'carol'] } };
    const without = await world.attest(scene, 3, waived);
    const answer = await ask(scene, { statements, attestation: without });
    expect(missing(answer)).toEqual(['gate_shut', 'attestation_waiver']);
    const enough = { baseline: { kind: 'waived' as const, at: null, waived_by: ['alice', 'bob', 'carol'] } };
    const passed = await world.attest(scene, 4, enough);
    expect(missing(await ask(scene, { statements, attestation: passed }))).toBe('issued');
  });

  it('is refused to forged acknowledgements', async () => {
    const scene = await world.settle('integrity_violation');
    const other = await world.settle('integrity_violation');
    const attestation = await world.attest(scene, 2);
    const good = world.say(bob, 'acknowledge', scene);
    const forged = [
      world.say(mallory, 'acknowledge', scene),
      world.say({ ...mallory, id: 'bob' }, 'acknowledge', scene),
      world.say(robot, 'acknowledge', scene),
      world.say(bob, 'resolve', scene),
      world.say(bob, 'acknowledge', other),
      world.say(bob, 'acknowledge', scene, { containment_binding: '0'.repeat(64) }),
      world.say(bob, 'acknowledge', scene, { not_after: instant(world.now) }),
      world.say(bob, 'acknowledge', scene, { issued_at: instant(world.now + 3_600_000) }),
      { ...good, payload: good.payload.replace('"bob"', '"carol"') },
    ];
    for (const statement of forged)
      expect(missing(await ask(scene, { statements: [statement], attestation }))).toEqual([
        'gate_shut',
        'signed_acknowledgement',
      ]);
    const bearer = [{ operator: 'bob', token_name: 'stolen' }];
    expect(missing(await ask(scene, { bearer, attestation }))).toEqual(['gate_shut', 'signed_acknowledgement']);
  });

  it('counts two different people where the playbook wants two', async () => {
    const scene = await world.settle('integrity_violation');
    const attestation = await world.attest(scene, 2);
    world.playbook = { ...world.playbook, acknowledgements: { ...world.playbook.acknowledgements, critical: 2 } };
    try {
      const bobs = [world.say(bob, 'acknowledge', scene), world.say(bob, 'acknowledge', scene, { note: 'again' })];
      expect(missing(await ask(scene, { statements: bobs, attestation }))).toEqual([
        'gate_shut',
        'second_acknowledgement',
      ]);
      const both = [...bobs, world.say(carol, 'acknowledge', scene)];
      expect(missing(await ask(scene, { statements: both, attestation }))).toBe('issued');
    } finally {
      world.playbook = { ...world.playbook, acknowledgements: { ...world.playbook.acknowledgements, critical: 1 } };
    }
  });

  it('is refused to a run that was reset past a failed attestation', async () => {
    const scene = await world.settle('integrity_violation');
    const statements = [world.say(bob, 'acknowledge', scene)];
    const passed = await world.attest(scene, 2);
    world.now += 1000;
    await world.attest(scene, 3, { verdict: 'refused', failed_check: 'PCR_NOT_GOLDEN' });
    // The pass is authentic and not over, and the run that shows it has never heard of the failure.
    expect(missing(await ask(scene, { statements, attestation: passed }))).toEqual([
      'gate_shut',
      'signed_acknowledgement',
    ]);
    const fresh = [world.say(bob, 'acknowledge', scene)];
    expect(missing(await ask(scene, { statements: fresh, attestation: passed }))).toEqual([
      'attestation_superseded',
      'attestation_refused',
    ]);
    const again = await world.attest(scene, 4);
    expect(missing(await ask(scene, { statements: fresh, attestation: again }))).toBe('issued');
  });

  it('is refused to what answers a containment that has changed since', async () => {
    const scene = await world.settle('prompt_injection');
    const { incident_id } = scene.incident;
    const before = await world.evidence(scene, { bearer: [{ operator: 'bob', token_name: 't' }] });
    const row = await world.reader.get(incident_id);
    for (let at = 0; at < 3; at += 1)
      await world.report({ class: 'prompt_injection', description: row?.description ?? '' });
    // The register's older word is minutes old only, and its containment is bound: the authority believes neither together.
    const statements = [world.say(bob, 'acknowledge', scene)];
    const attestation = await world.attest(scene, 2);
    expect(missing(await ask(scene, { statements, attestation }))).toEqual(['containment_changed']);
    const now = await world.bind(incident_id);
    expect(now.settled).toMatchObject({ generation: 2 });
    expect(missing(await world.authority.issueRelease({ ...before, statements, attestation }))).toEqual([
      'containment_changed',
    ]);
    expect(missing(await ask(now, { statements, attestation }))).toEqual([
      'gate_shut',
      'signed_acknowledgement',
      'attestation',
    ]);
  });

  it('is refused where the register’s word is old, missing or another role’s', async () => {
    const scene = await world.settle('tool_call_burst');
    const bearer = [{ operator: 'bob', token_name: 't' }];
    const evidence = await world.evidence(scene, { bearer });
    expect(missing(await world.authority.issueRelease(evidence))).toBe('issued');
    const { incident } = scene;
    const milder = world.entry('verifier', incident.incident_id, 'standing', 'standing/1', { ...incident });
    expect(missing(await world.authority.issueRelease({ ...evidence, standing: milder }))).toEqual([
      'standing_unproven',
    ]);
    expect(missing(await world.authority.issueRelease({ ...evidence, settled: evidence.standing }))).toEqual([
      'settled_unproven',
    ]);
    world.now += 601_000;
    expect(missing(await world.authority.issueRelease(evidence))).toEqual(['standing_stale']);
  });

  it('binds no containment that is not proven, and the first proven one for ever', async () => {
    const recorded = await world.report({ description: 'to be bound' });
    const incident_id = recorded.outcome === 'recorded' ? recorded.incident_id : '';
    const { incident, receipt } = await world.register.incidentStanding({ incident_id });
    const all = incident.containment_actions.map((action) => world.contained(incident, action));
    const forged = incident.containment_actions.map((action) => world.contained(incident, action, 'verifier'));
    const other = incident.containment_actions.map((action) => world.contained({ ...incident, host: 'x' }, action));
    for (const contained of [[], all.slice(1), forged, other])
      expect(await world.authority.bindContainment({ incident_id, standing: receipt, contained })).toMatchObject({
        code: 'containment_unproven',
      });
    const bound = await world.authority.bindContainment({ incident_id, standing: receipt, contained: all });
    world.now += 5000;
    const retried = incident.containment_actions.map((action) => world.contained(incident, action));
    expect(await world.authority.bindContainment({ incident_id, standing: receipt, contained: retried })).toEqual(
      bound,
    );
  });

  it('throws for nothing that it is handed', async () => {
    for (const junk of [null, undefined, 1, 'x', [], {}, { incident_id: 'INC-1' }]) {
      expect(await world.authority.issueRelease(junk as never)).toMatchObject({ code: 'evidence_malformed' });
      expect(await world.authority.bindContainment(junk as never)).toMatchObject({ code: 'input_malformed' });
    }
  });
});
