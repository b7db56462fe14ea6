import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instant } from '../../domain/identifiers.js';
import {
  isEligibleApprover,
  isInvoker,
  isPrincipal,
  quorumAt,
  quorumOf,
  type PersonFacts,
} from '../../domain/quorum.js';
import { bruteQuorum } from './ceremony-invariants.js';
import * as scene from './scene.js';

const { TERMS, REQUEST, alice, bob, carol, dave, erin, pat, robot, sam, zed, person } = scene;
const wanting = (min_approvers: number, require: { group: string; count: number }[] = []) => ({
  min_approvers,
  approvers: [],
  require,
});
const oneOfEach = wanting(1, [
  { group: 'security', count: 1 },
  { group: 'platform', count: 1 },
]);

const quorumOfAll = (approvers: PersonFacts[], nowMs: number) =>
  quorumAt({ request: REQUEST, terms: TERMS, admission: null, approvers, nowMs });

describe('a quorum', () => {
  it('needs its number of distinct people: one person counts once', () => {
    expect(quorumOf(wanting(2), [bob])).toMatchObject({ met: false, have: 1, want: 2 });
    expect(quorumOf(wanting(2), [bob, bob])).toMatchObject({ met: false, have: 1 });
    expect(quorumOf(wanting(2), [bob, carol])).toMatchObject({ met: true, have: 2 });
  });

  it('needs one of each group, and says which is missing', () => {
    expect(quorumOf(oneOfEach, [bob])).toMatchObject({ met: false, missing: ['platform'] });
    expect(quorumOf(oneOfEach, [bob, carol])).toMatchObject({ met: true, missing: [] });
    expect(quorumOf(oneOfEach, [zed])).toMatchObject({ met: false, missing: ['security', 'platform'] });
  });

  it('lets a person in two groups fill one seat only', () => {
    expect(quorumOf(oneOfEach, [dave])).toMatchObject({ met: false, have: 1, want: 2 });
    expect(quorumOf(oneOfEach, [dave, dave]).met).toBe(false);
    expect(quorumOf(oneOfEach, [dave, zed]).met).toBe(false);
  });

  it('moves people to other seats where that makes room', () => {
    for (const people of [
      [dave, bob],
      [bob, dave],
      [dave, carol],
      [carol, dave],
    ])
      expect(quorumOf(oneOfEach, people).met).toBe(true);
  });

  it('moves a whole chain of people', () => {
    const chain = [
      person('a', 31, ['g1', 'g2']),
      person('b', 32, ['g2', 'g3']),
      person('c', 33, ['g3', 'g4']),
      person('d', 34, ['g1']),
    ];
    const seats = ['g1', 'g2', 'g3', 'g4'].map((group) => ({ group, count: 1 }));
    expect(quorumOf(wanting(4, seats), chain).met).toBe(true);
    expect(quorumOf(wanting(4, seats), [...chain].reverse()).met).toBe(true);
    const three = chain.slice(0, 3);
    expect(quorumOf(wanting(3, seats), [...three, zed])).toMatchObject({ met: false });
  });

  it('wants as many people as there are seats, even when the minimum is lower', () => {
    const seats = [{ group: 'security', count: 3 }];
    expect(quorumOf(wanting(1, seats), [bob, dave])).toMatchObject({ met: false, have: 2, want: 3 });
  });

  it('is the same as trying every assignment of people to seats', () => {
    const groups = ['g1', 'g2', 'g3', 'g4'];
    const crowd = fc.array(fc.uniqueArray(fc.constantFrom(...groups)), { maxLength: 6 });
    const seats = fc.uniqueArray(
      fc.record({ group: fc.constantFrom(...groups, 'g5'), count: fc.integer({ min: 1, max: 3 }) }),
      { selector: ({ group }) => group, maxLength: 4 },
    );
    const met = { yes: 0, no: 0 };
    fc.assert(
      fc.property(crowd, seats, fc.integer({ min: 1, max: 5 }), fc.boolean(), (memberships, require, min, twice) => {
        const people = memberships.map((of, index) => person(`p${index}`, 100 + index, of));
        const said = twice ? [...people, ...people] : people;
        const quorum = quorumOf(wanting(min, require), said);
        expect(quorum.met).toBe(bruteQuorum(wanting(min, require), people));
        expect(quorum.have).toBe(people.length);
        met[quorum.met ? 'yes' : 'no'] += 1;
      }),
      { numRuns: 3000 },
    );
    expect(Math.min(met.yes, met.no)).toBeGreaterThan(100);
  });
});

describe('who may count', () => {
  it('is never the invoker, under any name', () => {
    expect(isInvoker(alice, REQUEST)).toBe(true);
    const alias = person('someone', 40, ['security'], { aliases: ['x@example.test', 'alice@example.test'] });
    expect(isInvoker(alias, REQUEST)).toBe(true);
    expect(isInvoker(alias, { ...REQUEST, invoker: { person: 'other', upn: 'ALICE@Example.Test' } })).toBe(true);
    expect(isEligibleApprover({ ...alice, groups: ['security'] }, REQUEST, TERMS)).toBe(false);
    expect(isEligibleApprover(alias, REQUEST, TERMS)).toBe(false);
  });

  it('is never the principal, under any object id or alias', () => {
    expect(isPrincipal(pat, REQUEST)).toBe(true);
    const second = person('second', 41, ['security'], { object_ids: [...bob.object_ids, scene.PRINCIPAL] });
    const alias = person('third', 42, ['security'], { aliases: ['third@example.test', 'pat@example.test'] });
    for (const who of [pat, second, alias]) expect(isEligibleApprover(who, REQUEST, TERMS)).toBe(false);
    expect(isPrincipal(alias, { ...REQUEST, principal: { ...REQUEST.principal, upn: 'PAT@example.test' } })).toBe(true);
  });

  it('is never an agent, and never somebody whom the policy does not name', () => {
    expect(isEligibleApprover(robot, REQUEST, TERMS)).toBe(false);
    expect(isEligibleApprover(zed, REQUEST, TERMS)).toBe(false);
    const terms = { ...TERMS, approvals: { ...TERMS.approvals, approvers: ['person:zed'] } };
    expect(isEligibleApprover(zed, REQUEST, terms)).toBe(true);
    expect(isEligibleApprover(bob, REQUEST, terms)).toBe(false);
    expect(isEligibleApprover(bob, REQUEST, { ...TERMS, approvals: { ...TERMS.approvals, approvers: [] } })).toBe(
      false,
    );
  });

  it('is judged again when it is used: validity that ran out no longer counts', () => {
    const until = { ...erin, valid_until: instant(scene.T0 + 1000) };
    expect(quorumOfAll([bob, until], scene.T0 + 999).met).toBe(true);
    expect(quorumOfAll([bob, until], scene.T0 + 1000)).toMatchObject({ met: false, have: 1 });
    const from = { ...erin, valid_from: instant(scene.T0 + 1000) };
    expect(quorumOfAll([bob, from], scene.T0 + 999).met).toBe(false);
    expect(quorumOfAll([bob, from], scene.T0 + 1000).met).toBe(true);
  });

  it('leaves out of the count whoever is not eligible', () => {
    expect(quorumOfAll([bob, pat, robot, zed, alice], scene.T0)).toMatchObject({ met: false, have: 1 });
  });
});

describe('a quorum with a fallback', () => {
  const approvals = { ...TERMS.approvals, fallback: { after: 600, min_approvers: 1, max: 900 } };
  const terms = { ...TERMS, approvals };
  const admission = { at: instant(scene.T0), extra_approvers: 0 };
  const opens = scene.T0 + 600_000;
  const at = (nowMs: number, approvers: PersonFacts[], over: object = {}) =>
    quorumAt({ request: REQUEST, terms, admission, approvers, nowMs, ...over });

  it('opens at its very moment, for fewer approvers of whatever group, and a shorter grant', () => {
    expect(at(opens - 1, [bob])).toMatchObject({ met: false, kind: 'full', have: 1, want: 2 });
    expect(at(opens, [bob])).toMatchObject({ met: true, kind: 'fallback', seconds: 900, missing: [] });
    expect(at(opens, [])).toMatchObject({ met: false, kind: 'fallback', want: 1 });
  });

  it('takes nothing from a full quorum', () => {
    expect(at(opens, [bob, carol])).toMatchObject({ met: true, kind: 'full', seconds: REQUEST.duration_seconds });
  });

  it('never lengthens what was asked', () => {
    const request = { ...REQUEST, duration_seconds: 600 };
    expect(at(opens, [bob], { request })).toMatchObject({ kind: 'fallback', seconds: 600 });
  });

  it('is judged where it was issued, and not again when it has opened since', () => {
    expect(at(opens + 1, [bob], { issuedMs: opens - 1 }).met).toBe(false);
    expect(at(opens + 1, [bob], { issuedMs: opens }).met).toBe(true);
  });

  it('stays shut where nobody knows since when to count', () => {
    expect(at(opens + 1, [bob], { admission: null }).met).toBe(false);
  });

  it('counts nobody who is not eligible', () => {
    expect(at(opens, [alice, pat, robot, sam])).toMatchObject({ met: false, have: 0 });
  });
});

describe('a quorum with an approver more, because a review is overdue', () => {
  const admission = { at: instant(scene.T0), extra_approvers: 1 };
  const at = (approvers: PersonFacts[], approvals = TERMS.approvals) =>
    quorumAt({ request: REQUEST, terms: { ...TERMS, approvals }, admission, approvers, nowMs: scene.T0 });

  it('wants one person more than the policy, beyond every seat', () => {
    expect(at([bob, carol])).toMatchObject({ met: false, have: 2, want: 3 });
    expect(at([bob, carol, erin])).toMatchObject({ met: true });
    const seats = { ...TERMS.approvals, min_approvers: 1 };
    expect(at([bob, carol], seats)).toMatchObject({ met: false, want: 3 });
  });

  it('wants one where nobody was wanted', () => {
    const immediate = { min_approvers: 0, approvers: ['group:security'], require: [], immediate: ['person:alice'] };
    expect(at([], immediate)).toMatchObject({ met: false, kind: 'full', want: 1 });
    expect(at([bob], immediate)).toMatchObject({ met: true, kind: 'full' });
  });
});

describe('no quorum at all', () => {
  it('is met at once, and says so', () => {
    const approvals = { min_approvers: 0, approvers: ['group:security'], require: [], immediate: ['person:alice'] };
    const admission = { at: instant(scene.T0), extra_approvers: 0 };
    const terms = { ...TERMS, approvals };
    expect(quorumAt({ request: REQUEST, terms, admission, approvers: [], nowMs: scene.T0 })).toMatchObject({
      met: true,
      kind: 'immediate',
      have: 0,
      want: 0,
    });
  });
});
