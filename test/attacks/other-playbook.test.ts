import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AUTHORITY_MIGRATIONS } from '../../activities/authority/authority-migrations.js';
import type { Database } from '../../activities/register/database.js';
import { openPglite } from '../../activities/register/database-pglite.js';
import { REGISTER_MIGRATIONS } from '../../activities/register/register-migrations.js';
import { playbooksFileSchema } from '../../domain/incidents/playbook-file.js';
import { DEFAULT_PLAYBOOK, type Playbook } from '../../domain/incidents/playbook.js';
import type { ReleaseEvidence, ReleaseIssued } from '../../domain/incidents/tasks.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { alice, bob, carol } from '../proofs/ceremony-people.js';
import { RecoveryWorld, type Scene } from '../activities/incidents/recovery-world.js';

const own = playbooksFileSchema.parse({
  schema: 'reseal.playbooks.v1',
  operators: { acknowledge: ['group:security'], release: ['person:alice'], waive: ['group:platform', 'person:alice'] },
});
const bookOf = (...playbooks: Playbook[]) => ({
  playbook: playbooks[0] ?? DEFAULT_PLAYBOOK,
  playbooks: new Map(playbooks.map((one) => [digestOf(one), one])),
});

describe('an incident that was opened under a playbook', () => {
  let database: Database;
  let world: RecoveryWorld;
  beforeAll(async () => {
    database = await openPglite(null);
    await database.migrate([...REGISTER_MIGRATIONS, ...AUTHORITY_MIGRATIONS]);
    world = new RecoveryWorld(database);
    await world.migrate();
    world.registerBook = { ...bookOf(own), playbookDigest: digestOf(own) };
    world.authorityBook = bookOf(own);
  });
  afterAll(() => database.close());

  const ask = async (scene: Scene, over: Partial<ReleaseEvidence>): Promise<ReleaseIssued> =>
    world.authority.issueRelease(await world.evidence(scene, over));
  const missing = (answer: ReleaseIssued) =>
    answer.outcome === 'refused' ? [answer.code, ...answer.missing] : 'issued';

  it('is let go by those whom it names, each for what they may', async () => {
    const scene = await world.settle('integrity_violation');
    expect(scene.incident).toMatchObject({
      playbook_digest: digestOf(own),
      requirements: { operators: own.operators },
    });
    const attestation = await world.attest(scene, 2);
    const [acked, asked] = [world.say(bob, 'acknowledge', scene), world.say(alice, 'resolve', scene)];
    expect(missing(await ask(scene, { statements: [acked, asked], attestation }))).toBe('issued');
    const byCarol = world.say(carol, 'acknowledge', scene);
    expect(missing(await ask(scene, { statements: [byCarol, asked], attestation }))).toEqual([
      'gate_shut',
      'signed_acknowledgement',
    ]);
    const byBob = world.say(bob, 'resolve', scene);
    for (const statements of [[acked], [acked, byBob]])
      expect(missing(await ask(scene, { statements, attestation }))).toEqual(['gate_shut', 'release_operator']);
  });

  it('counts for a baseline only whom it names for that', async () => {
    const scene = await world.settle('integrity_violation');
    const acked = [world.say(alice, 'acknowledge', scene), world.say(alice, 'resolve', scene)];
    world.quorum = 1;
    const waived = (by: string) => ({ baseline: { kind: 'waived' as const, at: null, waived_by: [by] } });
    const bobs = await world.attest(scene, 2, waived('bob'));
    expect(missing(await ask(scene, { statements: acked, attestation: bobs }))).toEqual([
      'gate_shut',
      'attestation_waiver',
    ]);
    const carols = await world.attest(scene, 3, waived('carol'));
    expect(missing(await ask(scene, { statements: acked, attestation: carols }))).toBe('issued');
    world.quorum = 2;
  });

  it('is neither bound nor let go by a role that has another, and both are named', async () => {
    const scene = await world.settle('integrity_violation');
    const attestation = await world.attest(scene, 2);
    const statements = [world.say(bob, 'acknowledge', scene), world.say(alice, 'resolve', scene)];
    const stricter = { ...own, acknowledgements: { ...own.acknowledgements, critical: 2 } };
    const { incident_id } = scene.incident;
    for (const book of [bookOf(stricter), { playbook: DEFAULT_PLAYBOOK }]) {
      world.authorityBook = book;
      const answer = await ask(scene, { statements, attestation });
      expect(missing(answer)).toEqual(['playbook_differs']);
      expect(answer).toMatchObject({ message: expect.stringContaining(digestOf(own)) as string });
      const fresh = await world.report({ description: JSON.stringify(Object.keys(book)) });
      if (fresh.outcome !== 'recorded') throw new Error(fresh.message);
      await expect(world.bind(fresh.incident_id)).rejects.toThrow('opened under playbook');
    }
    // What it opened before it changed its playbook it still judges by the one before.
    world.authorityBook = bookOf(stricter, own);
    expect(missing(await ask(scene, { statements, attestation }))).toBe('issued');
    world.registerBook = { ...bookOf(stricter, own), playbookDigest: digestOf(stricter) };
    expect((await world.register.incidentStanding({ incident_id })).incident.playbook_digest).toBe(digestOf(own));
    world.registerBook = { ...bookOf(stricter), playbookDigest: digestOf(stricter) };
    await expect(world.register.incidentStanding({ incident_id })).rejects.toThrow('is not known here');
    world.registerBook = { ...bookOf(own), playbookDigest: digestOf(own) };
  });

  it('is not judged by the built-in one where a role has its own and does not say that it still counts', async () => {
    world.registerBook = { playbook: DEFAULT_PLAYBOOK };
    world.authorityBook = bookOf(own, DEFAULT_PLAYBOOK);
    const scene = await world.settle('integrity_violation');
    const attestation = await world.attest(scene, 2);
    const statements = [world.say(carol, 'acknowledge', scene)];
    expect(missing(await ask(scene, { statements, attestation }))).toBe('issued');
    world.authorityBook = bookOf(own);
    expect(missing(await ask(scene, { statements, attestation }))).toEqual(['playbook_differs']);
  });
});
