import { describe, expect, it } from 'vitest';
import { decide } from '../../domain/decide.js';
import { decisionLogEntrySchema, decisionSchema, logEntryOf } from '../../domain/decision.js';
import { instant } from '../../domain/identifiers.js';
import { HOUR, NOW, question, standingEvent } from './decidable.js';

const allowed = decide(question({ events: [standingEvent()] }));
const denied = decide(question());
const refuses = (value: unknown): boolean => !decisionSchema.safeParse(value).success;

describe('a decision on the wire', () => {
  it('is one of two shapes and no other', () => {
    expect([allowed, denied].map(refuses)).toEqual([false, false]);
    expect(refuses({ ...allowed, note: 'x' })).toBe(true);
    expect(refuses({ ...allowed, session_seconds: 0 })).toBe(true);
    expect(refuses({ ...allowed, source: null })).toBe(true);
    expect(refuses({ ...denied, session_seconds: 60 })).toBe(true);
    expect(refuses({ ...denied, expires_at: instant(NOW) })).toBe(true);
    expect(refuses({ ...denied, reasons: [] })).toBe(true);
    expect(refuses({ effect: 'allow' })).toBe(true);
  });
});

describe('a line of the decision log', () => {
  const at = instant(NOW + HOUR);

  it('carries the event under the name that Sentinel links by, and what was decided', () => {
    expect(decisionLogEntrySchema.parse(logEntryOf(allowed, at))).toEqual({
      schema: 'reseal.decision.v1',
      timestamp: at,
      effect: 'allow',
      source: 'approved_request',
      proof: 'ledger',
      rule: null,
      break_glass_event_id: '0123456789abcdef',
      person: 'dana',
      principal_id: 'da4a0000-0000-4000-8000-000000000002',
      profile: 'security-admin',
      policy_digest: 'ab'.repeat(32),
      session_seconds: 1800,
      at: instant(NOW),
      expires_at: instant(NOW + HOUR / 2),
      reasons: [{ step: 'standing', code: 'no_standing_rule' }],
    });
  });

  it('is closed: a refusal has its reasons by code alone, and nothing else gets in', () => {
    const entry = decisionLogEntrySchema.parse(logEntryOf(denied, at));
    expect(entry).toMatchObject({ effect: 'deny', break_glass_event_id: null, session_seconds: 0 });
    expect(JSON.stringify(entry)).not.toContain('message');
    expect(decisionLogEntrySchema.safeParse({ ...entry, justification: 'x' }).success).toBe(false);
    expect(decisionLogEntrySchema.safeParse({ ...entry, effect: 'allow' }).success).toBe(false);
  });
});
