import { describe, expect, it } from 'vitest';
import { importedFor, newestFirst } from '../../../client/api/imported-events.js';
import type { RegisterReader } from '../../../client/api/register-reader.js';
import type { EventFilter } from '../../../client/api/reseal-api.js';
import { importedView, type ImportedFilter, type ImportedView } from '../../../domain/imported-history.js';
import { viewOfRequest } from '../../../domain/request-view.js';
import { ENTRY } from '../../proofs/sentinel-vectors.js';

const ended = importedView([ENTRY], 'key', Date.parse('2026-12-01T00:00:00Z'));
const active = importedView([{ ...ENTRY, event_id: 'b'.repeat(16) }], 'key', Date.parse(ENTRY.timestamp));

/** What a list asks of history, and gets from it. */
async function asked(filter: EventFilter): Promise<{ question: ImportedFilter | null; views: ImportedView[] }> {
  let question: ImportedFilter | null = null;
  const importedEvents = async (given: ImportedFilter): Promise<ImportedView[]> => {
    question = given;
    return [ended, active];
  };
  const views = await importedFor({ importedEvents } as Partial<RegisterReader> as RegisterReader, filter);
  return { question, views };
}

describe('history in a list', () => {
  it('is asked for by what history has', async () => {
    const filter = {
      invoker: 'dana',
      profile: 'production',
      status: 'closed',
      since: '2026-01-01T00:00:00Z',
      limit: 7,
    } as const;
    expect((await asked(filter)).question).toEqual(filter);
    expect((await asked({ state: 'expired' })).question).toMatchObject({ status: 'expired' });
    expect((await asked({ state: 'closed', status: 'closed' })).question).toMatchObject({ status: 'closed' });
  });

  it.each([
    { open: true },
    { state: 'awaiting_approval' },
    { state: 'refused' },
    { state: 'closed', status: 'expired' },
    { overdue: true },
    { waiting_for: 'bob' },
    { something: 'else' },
  ])('is not asked for by %j', async (filter) => {
    expect(await asked(filter as EventFilter)).toEqual({ question: null, views: [] });
  });

  it('is over when only what is over is asked for', async () => {
    expect((await asked({})).views).toEqual([ended, active]);
    expect((await asked({ open: false })).views).toEqual([ended]);
  });

  it('lies among the ceremonies by the time that each was asked for', () => {
    const own = ['2026-11-22T00:00:00.000Z', '2026-11-20T00:00:00.000Z'].map((requested_at) =>
      viewOfRequest('c'.repeat(16), null, { state: 'closed', requested_at }),
    );
    expect(newestFirst(own, [ended])).toEqual([own[0], ended, own[1]]);
    expect(newestFirst(own, [])).toEqual(own);
  });
});
