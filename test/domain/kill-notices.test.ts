import { describe, expect, it } from 'vitest';
import type { EntryPayload, EntryType } from '../../domain/entry.js';
import { noticesOfEntry } from '../../domain/notices-of-entry.js';
import * as scene from './scene.js';

const noticesOf = (type: EntryType, data: Record<string, unknown>) => {
  const at = '2026-06-01T10:00:00.000Z';
  const entry: EntryPayload = { schema: 'reseal.entry.v1', event_id: scene.EVENT, transition: type, type, at, data };
  return noticesOfEntry(entry, { intent: null, nameOf: (person) => person }).map(({ type: told, facts }) => [
    told,
    facts,
  ]);
};

describe('the notices of a kill’s actions', () => {
  it('tell what the principal gave to others, and what a role would not do', () => {
    expect(noticesOf('granted_listed', { total: 2 })).toMatchObject([
      ['finding', { code: 'granted_to_others', detail: expect.stringContaining('2 things') as unknown }],
    ]);
    const refused = { result: 'refused', code: 'protected_target', target_id: scene.PRINCIPAL };
    expect(noticesOf('credential_rotated', refused)).toMatchObject([
      ['finding', { code: 'kill_action_refused', detail: `rotate ${scene.PRINCIPAL}: protected_target` }],
    ]);
    expect(noticesOf('account_disabled', refused)).toHaveLength(1);
  });

  it.each([
    ['granted_listed', { total: 0 }],
    ['granted_listed', { total: 'many' }],
    ['credential_rotated', { result: 'done' }],
    ['account_disabled', {}],
  ] as [EntryType, Record<string, unknown>][])('%s with %j calls for nobody', (type, data) => {
    expect(noticesOf(type, data)).toEqual([]);
  });
});
