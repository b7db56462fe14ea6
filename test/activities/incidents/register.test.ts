import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_OPENED_A_MINUTE } from '../../../activities/register/incidents/record-event.js';
import { incidentIdSchema } from '../../../domain/incidents/incident-id.js';
import { playOf, DEFAULT_PLAYBOOK } from '../../../domain/incidents/playbook.js';
import { INCIDENT_CLASSES } from '../../../domain/incidents/classes.js';
import { newIncident } from '../../../domain/incidents/incident-state.js';
import { viewOfIncident } from '../../../domain/incidents/view-of-incident.js';
import { bothDatabases, type TestDatabase } from '../register/both-databases.js';
import { RecoveryWorld } from './recovery-world.js';

const ESCALATING = INCIDENT_CLASSES.filter((one) => playOf(DEFAULT_PLAYBOOK, one).escalation !== undefined);

describe.each(bothDatabases)('incidents over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`the register${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let db: TestDatabase;
    let world: RecoveryWorld;
    beforeAll(async () => {
      db = await open();
      world = new RecoveryWorld(db.database);
      await world.migrate();
    });
    afterAll(() => db.close());

    /** An hour later, where no earlier event counts. */
    const later = () => (world.now += 3_600_000);

    it('gives every incident an id of its own, however many are opened at once', async () => {
      later();
      const answers = await Promise.all(
        Array.from({ length: 24 }, (__, at) => world.report({ host: `h${at}`, description: `n${at}` })),
      );
      const ids = answers.map((one) => (one.outcome === 'recorded' ? one.incident_id : one.code));
      expect(new Set(ids).size).toBe(24);
      for (const id of ids) expect(incidentIdSchema.safeParse(id).success).toBe(true);
    });

    it('lets identical events join one open incident, and answers the same report the same', async () => {
      later();
      const report_id = 'ab'.repeat(8);
      const answers = await Promise.all(Array.from({ length: 8 }, () => world.report({ description: 'the same' })));
      expect(answers.filter((one) => one.outcome === 'recorded' && one.opened)).toHaveLength(1);
      const ids = new Set(answers.map((one) => (one.outcome === 'recorded' ? one.incident_id : '')));
      expect(ids.size).toBe(1);
      const first = await world.report({ report_id, description: 'the same' });
      expect(first).toMatchObject({ opened: false, joined: true, escalated: false });
      expect(await world.report({ report_id, description: 'the same' })).toEqual(first);
      expect(await world.reader.get([...ids][0] ?? '')).toMatchObject({ events: 9, severity: 'critical' });
    });

    it.each(ESCALATING)('makes %s worse with as many events as its rule says, and not one earlier', async (name) => {
      later();
      const { escalation, severity } = playOf(DEFAULT_PLAYBOOK, name);
      if (escalation === undefined) throw new Error('no rule');
      const step = Math.floor((escalation.seconds * 1000) / escalation.events);
      for (let at = 1; at < escalation.events; at += 1) {
        expect(await world.report({ class: name, description: `e${at}` })).toMatchObject({ severity, generation: 1 });
        world.now += step;
      }
      // The first again, one too many: its open incident gets worse.
      const last = await world.report({ class: name, description: 'e1' });
      expect(last).toMatchObject({ joined: true, escalated: true, severity: escalation.severity, generation: 2 });
      const actions = last.outcome === 'recorded' ? last.containment_actions : [];
      expect(actions).toEqual(expect.arrayContaining(escalation.actions));
    });

    it('counts neither events of another host nor those that left the window', async () => {
      later();
      const on = (host: string, at: number) => world.report({ class: 'prompt_injection', host, description: `p${at}` });
      await on('a', 1);
      await on('b', 2);
      world.now += 300_000;
      await on('a', 3);
      expect(await on('a', 4)).toMatchObject({ severity: 'high' });
      expect(await on('a', 5)).toMatchObject({ severity: 'critical' });
    });

    it('refuses a reporter that opens one after another, and still lets its events join what is open', async () => {
      later();
      const by = (at: number) => world.report({ reporter: 'flood', host: `f${at}`, description: `f${at}` });
      for (let at = 0; at < MAX_OPENED_A_MINUTE; at += 1) await by(at);
      expect(await by(99)).toMatchObject({ outcome: 'refused', code: 'reporter_rate' });
      expect(await by(0)).toMatchObject({ joined: true });
      world.now += 61_000;
      expect(await by(99)).toMatchObject({ opened: true });
    });

    it('closes no incident because somebody says that it is resolved', async () => {
      later();
      const scene = await world.settle('integrity_violation');
      const { incident, standing } = scene;
      const { incident_id } = incident;
      const view = viewOfIncident(newIncident(incident, standing), world.now);
      const draft = {
        schema: 'reseal.incident_entry.v1' as const,
        ...{ incident_id, transition: 'resolved', type: 'resolved' as const, at: '2026-03-14T12:00:00Z', data: {} },
      };
      const items = [{ transition: 'resolved', draft }];
      await world.register.appendIncident({ incident_id, items, view: { ...view, state: 'resolved' } });
      expect(world.logged).toContain('receipt_refused latch_stands');
      expect(await world.reader.get(incident_id)).toMatchObject({ state: 'open', resolved_at: null });
      const health = world.entry('effect:containment', incident_id, 'health', 'health/1', {
        generation: 1,
        trusted: true,
      });
      await world.register.appendIncident({ incident_id, items: [health, ...items], view });
      expect(world.logged).toContain('receipt_refused entry_role');
      expect(await world.reader.list({ open: true, class: 'integrity_violation', limit: 5 })).toEqual(
        expect.arrayContaining([expect.objectContaining({ incident_id })]),
      );
    });
  });
});
