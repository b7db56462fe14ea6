import { describe, expect, it } from 'vitest';
import { instant } from '../../domain/identifiers.js';
import type { SignedIntent } from '../../domain/intent.js';
import { isPlausible, requirePlausible } from '../../domain/plausible-intent.js';
import { CeremonyRun } from './ceremony-run.js';

const run = new CeremonyRun().admit();
const { state, now } = run;
const opened = state.opened;
if (opened === null) throw new Error('admitted');
const { request, request_digest, terms } = opened;
const SKEW_MS = 5 * 60_000;
const LATEST_MS = now + request.duration_seconds * 1000 + SKEW_MS;

const intent = (over: Partial<SignedIntent['intent']> = {}): SignedIntent =>
  ({
    intent: {
      event_id: state.event_id,
      request_digest,
      round: 1,
      deadline: instant(LATEST_MS),
      dead_man: instant(LATEST_MS + terms.grace * 1000),
      ...over,
    },
  }) as SignedIntent;

describe('an answer in the authority’s name', () => {
  it('may be one up to the longest that was asked for, with the grace and a clock that differs', () => {
    expect(isPlausible(intent(), state, now)).toBe(true);
    expect(isPlausible(intent({ dead_man: null }), state, now)).toBe(true);
  });

  it.each([
    ['of another event', { event_id: 'ffffffffffffffff' }],
    ['of another request', { request_digest: 'f'.repeat(64) }],
    ['that lasts longer', { deadline: instant(LATEST_MS + 1000) }],
    ['that the provider would keep longer', { dead_man: instant(LATEST_MS + terms.grace * 1000 + 1000) }],
  ])('is none %s', (_what, over) => {
    expect(isPlausible(intent(over), state, now)).toBe(false);
    expect(() => requirePlausible(intent(over), state, now)).toThrow('not an intent for this request');
  });

  it('may last to the policy’s maximum once it was extended', () => {
    const extended = intent({ round: 2, deadline: instant(now + terms.timebox.max * 1000), dead_man: null });
    expect(isPlausible(extended, state, now)).toBe(true);
  });

  it('is not judged before the request is known', () => {
    expect(isPlausible(intent({ event_id: 'ffffffffffffffff' }), { ...state, opened: null }, now)).toBe(true);
    expect(() => requirePlausible(null, state, now)).not.toThrow();
  });
});
