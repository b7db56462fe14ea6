import { describe, expect, it } from 'vitest';
import { instant } from '../../domain/identifiers.js';
import type { PersonFacts } from '../../domain/quorum.js';
import {
  REVIEW_REFUSALS,
  reviewMismatch,
  reviewObjection,
  reviewOutcomeSchema,
  type ReviewRefusal,
} from '../../domain/review.js';
import type { ReviewStatement } from '../../domain/statement.js';
import * as scene from './scene.js';

const { alice, bob, pat, robot, zed, T0, HOUR, SECOND } = scene;
const OTHER = 'f'.repeat(64);
const of = {
  event_id: scene.EVENT,
  request: scene.REQUEST,
  request_digest: scene.REQUEST_DIGEST,
  policy_digest: scene.POLICY_DIGEST,
};
const review = (who: PersonFacts, over: Partial<ReviewStatement> = {}): ReviewStatement => {
  const { act: _act, ...common } = scene.statementOf(who.id, 'approve', T0);
  return { ...common, round: 1, act: 'review', ...over };
};
const objection = (who: PersonFacts, over: Partial<ReviewStatement> = {}, now = T0) =>
  reviewObjection(of, review(who, over), who, now);

describe('a review', () => {
  it('is for any human on the roster who neither asked nor received', () => {
    expect(objection(bob)).toBeUndefined();
    expect(objection(zed)).toBeUndefined();
    expect(objection(zed, { note: 'As it should be' })).toBeUndefined();
  });

  it.each<[ReviewRefusal, PersonFacts, Partial<ReviewStatement>]>([
    ['invoker_cannot_review', alice, {}],
    ['invoker_cannot_review', { ...zed, aliases: [scene.REQUEST.invoker.upn] }, {}],
    ['principal_cannot_review', pat, {}],
    ['principal_cannot_review', { ...zed, object_ids: [scene.PRINCIPAL] }, {}],
    ['principal_cannot_review', { ...zed, aliases: [scene.REQUEST.principal.upn] }, {}],
    ['agent_cannot_review', robot, {}],
    ['agent_cannot_review', { ...alice, kind: 'agent' }, {}],
    ['foreign_event', bob, { event_id: 'fedcba9876543210' }],
    ['foreign_request', bob, { request_digest: OTHER }],
    ['foreign_policy', bob, { policy_digest: OTHER }],
    ['not_yet_valid', bob, { issued_at: instant(T0 + 60 * SECOND + 1) }],
    ['stale', bob, { not_after: instant(T0) }],
    ['stale', bob, { issued_at: instant(T0 - 24 * HOUR), not_after: instant(T0 + HOUR) }],
    ['person_not_valid', { ...bob, valid_until: instant(T0) }, {}],
  ])('is refused as %s', (reason, who, over) => {
    expect(objection(who, over)).toBe(reason);
  });

  it('is judged again from a bundle without asking what time it is', () => {
    const late = review(bob, { not_after: instant(T0) });
    expect(reviewMismatch(of, late, { ...bob, valid_until: instant(T0) })).toBeUndefined();
    expect(reviewMismatch(of, late, alice)).toBe('invoker_cannot_review');
  });

  it('has a sentence for every refusal, and only those codes are answers', () => {
    for (const [code, message] of Object.entries(REVIEW_REFUSALS)) {
      expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(message.length).toBeGreaterThan(20);
      expect(reviewOutcomeSchema.safeParse({ outcome: 'refused', code, message }).success).toBe(true);
    }
    expect(reviewOutcomeSchema.safeParse({ outcome: 'refused', code: 'other', message: 'x' }).success).toBe(false);
  });
});
