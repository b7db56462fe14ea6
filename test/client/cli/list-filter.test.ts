import { describe, expect, it } from 'vitest';
import { listFilter } from '../../../client/cli/list-filter.js';

const NOW = Date.parse('2026-03-01T12:00:00.000Z');

describe("what a list's flags ask for", () => {
  it.each([
    [{}, {}],
    [{ open: true }, { open: true }],
    [{ overdue: true }, { overdue: true }],
    [{ reviewOwed: true }, { review_owed: true }],
    [{ waitingFor: 'Bob@Corp.example' }, { waiting_for: 'bob@corp.example' }],
    [
      { state: 'refused', invoker: 'alice' },
      { state: 'refused', invoker: 'alice' },
    ],
    [
      { since: '24h', profile: 'admin' },
      { since: '2026-02-28T12:00:00.000Z', profile: 'admin' },
    ],
  ])('%j', (options, filter) => {
    expect(listFilter(options, NOW)).toEqual({ ...filter, limit: 50 });
  });
});
