import { describe, expect, it } from 'vitest';
import { parseEventFilter } from '../../../client/gateway/event-filter.js';

describe('when a list is filtered', () => {
  it('reads every filter', () => {
    const query = {
      state: 'active',
      open: 'true',
      invoker: 'Alice@Example.test',
      profile: 'security-admin',
      status: 'active',
      since: '2026-01-31T08:00:00Z',
      overdue: 'true',
      review_owed: '1',
      waiting_for: 'Bob',
      limit: '7',
    };
    const read = { ...query, open: true, invoker: 'alice@example.test', overdue: true, review_owed: true };
    expect(parseEventFilter(query)).toEqual({ ...read, waiting_for: 'bob', limit: 7 });
    expect(parseEventFilter({})).toEqual({ limit: 50 });
  });

  it.each([
    ['state', 'sleeping', 'filter state is one of requested, awaiting_approval, '],
    ['status', 'shut', 'filter status is active, closed or expired'],
    ['open', 'maybe', 'filter open is true or false'],
    ['invoker', '', 'filter invoker is a name of 1 to 256 characters'],
    ['waiting_for', 'x'.repeat(257), 'filter waiting_for is a name of 1 to 256 characters'],
    ['profile', 'A B', 'filter profile expected 1 to 64 of a-z 0-9 . _ -'],
    ['since', 'yesterday', 'filter since is an RFC 3339 time in UTC'],
    ['overdue', 'false', 'filter overdue is true, or left out'],
    ['limit', '0', 'filter limit is a whole number from 1 to 500'],
    ['limit', '1.5', 'filter limit is a whole number from 1 to 500'],
    ['limit', 'many', 'filter limit is a whole number from 1 to 500'],
    ['colour', 'red', 'there is no filter colour'],
  ])('says in our own words what %s may be, not %j', (name, value, says) => {
    expect(() => parseEventFilter({ [name]: value })).toThrow(says);
  });
});
