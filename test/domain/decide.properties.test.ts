import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENDS, PHASES } from '../../domain/ceremony-state.js';
import { decide, type DecidableEvent } from '../../domain/decide.js';
import { decisionSchema, DECISION_SOURCES, DOUBTS } from '../../domain/decision.js';
import { epochMs, instant } from '../../domain/identifiers.js';
import { isAnyOpen, clockAt } from '../../domain/time-window.js';
import { DANA_ADMIN, DANA_DAILY, HOUR, NOW, SOMEBODY, dana, policyWith, question, standingEvent } from './decidable.js';

const around = fc.integer({ min: NOW - 2 * HOUR, max: NOW + 5 * HOUR });
const event: fc.Arbitrary<DecidableEvent> = fc
  .record({
    event_id: fc.stringMatching(/^[0-9a-f]{16}$/),
    profile: fc.constantFrom('security-admin', 'other', null),
    principal_id: fc.constantFrom(DANA_DAILY, DANA_ADMIN, SOMEBODY, null),
    // Mostly active, so that most of what is tried comes near to being allowed.
    state: fc.oneof({ weight: 3, arbitrary: fc.constant('active' as const) }, fc.constantFrom(...PHASES, ...ENDS)),
    quorum: fc.constantFrom('full' as const, 'fallback' as const, 'immediate' as const, null),
    approvals_wanted: fc.constantFrom(0, 1, 2, null),
    expires_at: fc.option(around.map(instant), { nil: null, freq: 6 }),
    now: around.map(instant),
    role: fc.constantFrom('Security Administrator', 'Security Administrator', 'Global Administrator'),
    proof: fc.constantFrom('ledger' as const, 'workflow' as const),
    doubt: fc.oneof(
      { weight: 4, arbitrary: fc.constant(null) },
      fc.constantFrom(...DOUBTS).map((code) => ({ code, message: 'is in doubt' })),
    ),
  })
  .map((over) => standingEvent(over));

const minuteText = fc.integer({ min: 0, max: 1439 }).map((minute) => {
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
});
const window = fc
  .record({
    days: fc.subarray(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']),
    from: minuteText,
    until: minuteText,
    zone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu'),
  })
  .filter(({ from, until }) => from !== until);
const rules = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    allow: fc.constantFrom(['group:on-call'], ['person:dana'], ['person:eve']),
    profiles: fc.constantFrom([], ['security-admin'], ['other']),
    time: fc.array(window, { maxLength: 3 }),
    max_session: fc.integer({ min: 1, max: 12 * 3600 }),
  }),
  { selector: ({ name }) => name, maxLength: 3 },
);
// Around the nights in which Berlin, New York and Lord Howe change their clocks, and in between.
const anyTime = fc.oneof(
  fc.integer({ min: Date.parse('2026-03-28T00:00:00Z'), max: Date.parse('2026-04-06T00:00:00Z') }),
  fc.integer({ min: Date.parse('2026-10-03T00:00:00Z'), max: Date.parse('2026-11-03T00:00:00Z') }),
  fc.integer({ min: Date.parse('2026-01-01T00:00:00Z'), max: Date.parse('2027-01-01T00:00:00Z') }),
);
const asked = fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined });
const inquiry = fc.record({ events: fc.array(event, { maxLength: 6 }), session_seconds: asked });
const input = ({ events, session_seconds }: { events: DecidableEvent[]; session_seconds: number | undefined }) =>
  question({ events, ...(session_seconds === undefined ? {} : { session_seconds }) });

/** Said once more, without looking at how `decide` says it. */
const mayAllow = (e: DecidableEvent): boolean =>
  e.profile === 'security-admin' &&
  (e.principal_id === DANA_DAILY || e.principal_id === DANA_ADMIN) &&
  e.state === 'active' &&
  e.doubt === null &&
  e.quorum !== null &&
  e.role === 'Security Administrator' &&
  e.expires_at !== null &&
  epochMs(e.expires_at) - epochMs(e.now) >= 1000;

describe('whatever ceremonies there are', () => {
  it('allows exactly when one of them may, by the first kind that does', () => {
    fc.assert(
      fc.property(inquiry, (asking) => {
        const decision = decide(input(asking));
        expect(decisionSchema.safeParse(decision).success).toBe(true);
        const may = asking.events.filter(mayAllow);
        expect(decision.effect).toBe(may.length > 0 ? 'allow' : 'deny');
        const approved = may.some(({ quorum }) => quorum !== 'immediate');
        expect(decision.source).toBe(may.length === 0 ? null : approved ? 'approved_request' : 'break_glass');
      }),
      { numRuns: 2000 },
    );
  });

  it('never lasts longer than what remains of the ceremony, nor than what was asked for, and never less than it could', () => {
    fc.assert(
      fc.property(inquiry, (asking) => {
        const decision = decide(input(asking));
        if (decision.effect === 'deny') return;
        const by = asking.events.filter(
          (e) => e.event_id === decision.break_glass_event_id && mayAllow(e) && e.now === decision.at,
        );
        expect(by.length).toBeGreaterThan(0);
        const remains = Math.max(...by.map((e) => epochMs(e.expires_at ?? '') - epochMs(e.now)));
        expect(decision.session_seconds * 1000).toBeLessThanOrEqual(remains);
        expect(decision.session_seconds).toBeLessThanOrEqual(asking.session_seconds ?? Number.POSITIVE_INFINITY);
        expect(decision.session_seconds).toBe(Math.min(Math.floor(remains / 1000), asking.session_seconds ?? Infinity));
        expect(epochMs(decision.expires_at) - epochMs(decision.at)).toBe(decision.session_seconds * 1000);
      }),
      { numRuns: 2000 },
    );
  });

  it('says the same in whatever order they are given', () => {
    fc.assert(
      fc.property(inquiry, (asking) => {
        const unique = [...new Map(asking.events.map((e) => [e.event_id, e])).values()];
        const forwards = decide(input({ ...asking, events: unique }));
        expect(decide(input({ ...asking, events: unique.toReversed() }))).toEqual(forwards);
      }),
    );
  });

  it('gives every step before the one that allowed a reason, and never names a ceremony of somebody else', () => {
    fc.assert(
      fc.property(inquiry, (asking) => {
        const { source, reasons } = decide(input(asking));
        const passed = source === null ? DECISION_SOURCES : DECISION_SOURCES.slice(0, DECISION_SOURCES.indexOf(source));
        expect([...new Set(reasons.map(({ step }) => step))]).toEqual([...passed]);
        const theirs = asking.events.filter(
          (e) => e.profile === 'security-admin' && dana.object_ids.includes(e.principal_id ?? ''),
        );
        const named = reasons.flatMap(({ event_id }) => (event_id === null ? [] : [event_id]));
        expect(theirs.map(({ event_id }) => event_id)).toEqual(expect.arrayContaining(named));
      }),
    );
  });

  it('does not depend on who invoked: a ceremony carries no invoker into it', () => {
    const invoked = {
      ...standingEvent({ principal_id: SOMEBODY }),
      invoker: 'dana@corp.example',
      invoker_person: 'dana',
    };
    expect(decide(question({ events: [invoked] })).effect).toBe('deny');
  });
});

describe('whatever standing rules there are', () => {
  it('lets nobody in while every window is shut, and no session outlive its windows or its rule', () => {
    fc.assert(
      fc.property(rules, anyTime, asked, (standing, now_ms, session_seconds) => {
        const policy = policyWith(standing);
        const decision = decide(
          question({ policy, now_ms, ...(session_seconds === undefined ? {} : { session_seconds }) }),
        );
        const mine = (policy.standing ?? []).filter(
          ({ allow, profiles }) => !allow.includes('person:eve') && !profiles.includes('other'),
        );
        if (decision.effect === 'deny') {
          const [reason] = decision.reasons;
          if (reason?.passes_at !== null && reason?.passes_at !== undefined) {
            const opens = clockAt(epochMs(reason.passes_at));
            expect(mine.some(({ time }) => isAnyOpen(time, opens))).toBe(true);
            expect(mine.some(({ time }) => isAnyOpen(time, clockAt(epochMs(reason.passes_at ?? '') - 1)))).toBe(false);
          }
          return;
        }
        const by = mine.find(({ name }) => name === decision.rule);
        expect(by).toBeDefined();
        expect(decision.session_seconds).toBeLessThanOrEqual(by?.max_session ?? 0);
        expect(decision.session_seconds).toBeLessThanOrEqual(session_seconds ?? Number.POSITIVE_INFINITY);
        // Open from its first to its last moment: looked at minute by minute, and at the very last millisecond.
        const end = epochMs(decision.expires_at);
        const moments = Array.from({ length: Math.floor((end - now_ms) / 60_000) }, (_, n) => now_ms + n * 60_000);
        for (const moment of [now_ms, ...moments, end - 1])
          expect(isAnyOpen(by?.time ?? [], clockAt(moment))).toBe(true);
      }),
      { numRuns: 400 },
    );
  });
});
