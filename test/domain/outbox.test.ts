import { describe, expect, it } from 'vitest';
import { newCeremony } from '../../domain/ceremony-state.js';
import { commands } from '../../domain/ceremony-commands.js';
import { draft, flush, keepReceipt, onAppended } from '../../domain/outbox.js';
import { run } from './ceremony-run.js';
import * as scene from './scene.js';

const blank = newCeremony(scene.EVENT, scene.envelopeOf('request'), scene.T0);
const fill = (n: number) => {
  let state = blank;
  for (let i = 0; i < n; i += 1) state = keepReceipt(state, scene.receipt(`t/${i}`));
  return state;
};

describe('the outbox', () => {
  it('holds one entry a transition, the first that came', () => {
    const once = draft(blank, 'resealing', 'resealing', scene.T0, { cause: 'kill' });
    const twice = draft(once, 'resealing', 'resealing', scene.T0 + 1, { cause: 'close' });
    expect(twice).toBe(once);
    expect(keepReceipt(once, scene.receipt('resealing'))).toBe(once);
    expect(once).toMatchObject({ drafted: 1, appended: 0, flush_to: 0 });
  });

  it('drafts entries that say what, when and of which event', () => {
    expect(draft(blank, 'ended', 'ended', scene.T0, { end: 'closed' }).outbox).toEqual([
      {
        transition: 'ended',
        draft: {
          schema: 'reseal.entry.v1',
          event_id: scene.EVENT,
          transition: 'ended',
          type: 'ended',
          at: '2026-03-01T12:00:00.000Z',
          data: { end: 'closed' },
        },
      },
    ]);
  });

  it('asks for an append at 24 entries, or when it is told to', () => {
    expect(fill(23).flush_to).toBe(0);
    expect(fill(24).flush_to).toBe(24);
    expect(flush(fill(3)).flush_to).toBe(3);
  });

  it('forgets what the register holds, and nothing else', () => {
    const half = onAppended(fill(4), { transitions: ['t/0', 't/2', 'unknown'] });
    expect(half.outbox.map(({ transition }) => transition)).toEqual(['t/1', 't/3']);
    expect(half).toMatchObject({ drafted: 4, appended: 2 });
    expect(onAppended(half, { transitions: ['t/0', 't/2'] })).toMatchObject({ appended: 2 });
  });

  it('offers again what the register was taken to hold and does not, and no more than three times', () => {
    const all = ['t/0', 't/1', 't/2'];
    let state = onAppended(fill(3), { transitions: all });
    expect(state.sent?.map(({ transition }) => transition)).toEqual(all);
    for (let time = 1; time <= 3; time += 1) {
      state = onAppended(state, { transitions: [], missing: ['t/1', 'never said'] });
      expect(state.outbox.map(({ transition }) => transition)).toEqual(['t/1']);
      expect(state).toMatchObject({ drafted: 3 + time, appended: 2 + time, flush_to: 3 + time });
      state = onAppended(state, { transitions: ['t/1'] });
    }
    expect(onAppended(state, { transitions: [], missing: ['t/1'] }).outbox).toEqual([]);
  });

  it('is asked again where it took nothing, whatever it said was missing', () => {
    const before = flush(onAppended(run().toActive().state, { transitions: ['surveyed'] }));
    const after = onAppended(before, { transitions: [], missing: ['never said'] });
    const keyOf = (state: typeof after) => commands(state).find(({ do: what }) => what === 'append')?.key;
    expect(keyOf(after)).not.toBe(keyOf(before));
    expect(after.outbox).toEqual(before.outbox);
  });

  it('does not offer again what the register refused', () => {
    const state = onAppended(fill(3), { transitions: ['t/0', 't/1', 't/2'], refused: ['t/1'] });
    expect(state.sent?.map(({ transition }) => transition)).toEqual(['t/0', 't/2']);
  });

  it('keeps the latest 256 KiB of what was taken', () => {
    let state = blank;
    for (let i = 0; i < 40; i += 1) {
      state = keepReceipt(state, {
        ...scene.receipt(`t/${i}`),
        envelope: { payloadType: 'x', payload: 'a'.repeat(10_000), signatures: [] },
      });
      state = onAppended(state, { transitions: [`t/${i}`] });
    }
    expect(state.sent?.map(({ transition }) => transition)).toEqual(
      Array.from({ length: 25 }, (_, index) => `t/${index + 15}`),
    );
  });

  it('drops nothing while the register is down', () => {
    expect(fill(1000).outbox).toHaveLength(1000);
    expect(fill(1000).drafted).toBe(1000);
  });

  it('queues while the register is down, and is asked for again after a part was taken', () => {
    const ceremony = run().toActive();
    const first = ceremony.command('append');
    const [one] = ceremony.state.outbox;
    ceremony.tell({ type: 'appended', transitions: one === undefined ? [] : [one.transition] });
    expect(ceremony.command('append')?.key).not.toBe(first?.key);
    expect(ceremony.append().command('append')).toBeUndefined();
  });

  it('never appends for an event that was not admitted yet', () => {
    expect(commands(flush(fill(30))).map(({ do: what }) => what)).toEqual(['admit']);
    const ceremony = run();
    for (let i = 0; i < 30; i += 1) ceremony.tell({ type: 'unreadable', signal: 'kill', reason: 'malformed' });
    expect(ceremony.wants()).toEqual(['admit']);
    expect(ceremony.admit().wants()).toEqual(['survey', 'append']);
  });
});
