import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ceremonyViewSchema } from '../../activities/register/view-schema.js';
import { cutText } from '../../domain/cut-text.js';
import { importBatchSchema, importedView, isImported, MAX_BATCH_CHARACTERS } from '../../domain/imported-history.js';
import { viewOfRequest } from '../../domain/request-view.js';
import { ENTRY, logEntries } from '../proofs/sentinel-vectors.js';

const AT = Date.parse(ENTRY.expires_at);
const closed = { ...ENTRY, event: 'breakglass.closed', status: 'closed', timestamp: '2026-11-21T01:30:00Z' } as const;

describe('an imported event as readers see it', () => {
  it('is whatever its lines say, in the form of any ceremony, and marked', () => {
    fc.assert(
      fc.property(fc.array(logEntries, { minLength: 1, maxLength: 3 }), (entries) => {
        const { source, source_key_id, ...view } = importedView(entries, 'key', AT);
        expect([source, source_key_id, view.flags]).toEqual(['sentinel', 'key', ['imported']]);
        expect(ceremonyViewSchema.safeParse(view).error).toBeUndefined();
        expect(view.status).toBe(view.state);
        expect(view.ended_at === null).toBe(view.status === 'active');
      }),
    );
  });

  it('ends as it was logged, by whom and why', () => {
    const view = importedView([ENTRY, { ...closed, closed_by: 'erin', closed_reason: 'done' }], 'key', AT);
    expect(view).toMatchObject({
      status: 'closed',
      ended_by: 'erin',
      cause: 'done',
      ended_at: '2026-11-21T01:30:00.000Z',
    });
    expect(view.activated_at).toBe(view.requested_at);
  });

  it('has expired from the very moment it says, when nobody logged its end', () => {
    expect(importedView([ENTRY], 'key', AT - 1)).toMatchObject({ status: 'active', ended_at: null, cause: null });
    expect(importedView([ENTRY], 'key', AT)).toMatchObject({ status: 'expired', cause: 'end_not_logged' });
  });

  it('has no beginning where only its end was logged', () => {
    expect(importedView([closed], 'key', AT)).toMatchObject({ status: 'closed', activated_at: null });
  });

  it('is told apart from a ceremony of our own', () => {
    const own = viewOfRequest(ENTRY.event_id, null, { state: 'closed', requested_at: closed.timestamp });
    expect([isImported(own), isImported(importedView([ENTRY], 'key', AT))]).toEqual([false, true]);
  });
});

describe('a batch of lines', () => {
  const batch = (texts: string[]) => ({
    lines: texts.map((text, index) => ({ line: index + 1, text })),
    dry_run: false,
    skip_invalid: false,
  });

  it('fits into a payload of Temporal, or is none', () => {
    const part = 'x'.repeat(MAX_BATCH_CHARACTERS / 8);
    expect(importBatchSchema.safeParse(batch(Array.from({ length: 8 }, () => part))).success).toBe(true);
    expect(importBatchSchema.safeParse(batch(Array.from({ length: 9 }, () => part))).success).toBe(false);
    expect(importBatchSchema.safeParse(batch([])).success).toBe(false);
  });
});

describe('a text that is cut', () => {
  it('is never longer than asked, and well-formed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), fc.nat(30), (text, most) => {
        const cut = cutText(text, most);
        expect([...cut].length).toBeLessThanOrEqual(Math.max(most, 0));
        expect(text.startsWith(cut)).toBe(true);
        expect(/\p{Surrogate}/u.test(cut)).toBe(false);
      }),
    );
  });
});
