import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  standingOf,
  STANDING_CODES,
  type SignedVersion,
  type StandingQuestion,
} from '../../domain/contract-standing.js';
import { instant } from '../../domain/identifiers.js';
import type { Revocations } from '../../domain/signed-documents.js';

const DAY = 24 * 3600 * 1000;
const NOW = Date.parse('2026-11-21T12:00:00.000Z');
const digest = (n: number): string => n.toString(16).padStart(64, '0');
/** Version n has digest n. */
const version = (n: number, over: Partial<SignedVersion> = {}): SignedVersion => ({
  digest: digest(n),
  series: 'local',
  version: n,
  valid_from: instant(NOW - 10 * DAY),
  valid_until: instant(NOW + 10 * DAY),
  ...over,
});
const fresh: Revocations = {
  schema: 'reseal.revocations.v1',
  number: 3,
  issued_at: instant(NOW - DAY),
  fresh_until: instant(NOW + DAY),
  contracts: [],
  rosters: [],
  keys: [],
};
const ask = (known: SignedVersion[], over: Partial<StandingQuestion> = {}) =>
  standingOf({ kind: 'contract', series: 'local', known, revocations: fresh, nowMs: NOW, ...over });

describe('the version in force', () => {
  it('is the highest', () => {
    const standing = ask([version(2), version(3), version(1)]);
    expect(standing.inForce?.version).toBe(3);
    expect(standing.refusal).toBeNull();
    expect(standing.whyNot(digest(3))).toBeUndefined();
    expect(standing.whyNot(digest(2))).toEqual({
      code: 'contract_superseded',
      message: 'version 2 of local is superseded by version 3',
    });
  });

  it('is of the series that is followed', () => {
    const standing = ask([version(1), version(9, { series: 'staging' })]);
    expect(standing.inForce?.version).toBe(1);
    expect(standing.whyNot(digest(9))).toMatchObject({
      code: 'contract_unknown',
      message: expect.stringContaining('staging') as string,
    });
  });

  it('is none where nothing is known', () => {
    expect(ask([])).toMatchObject({ inForce: null, refusal: { code: 'contract_unknown' } });
  });

  it('begins and ends to the millisecond', () => {
    const later = version(2, { valid_from: instant(NOW + 1) });
    expect(ask([version(1), later]).inForce?.version).toBe(1);
    expect(ask([version(1), later]).whyNot(digest(2))?.code).toBe('contract_not_yet_valid');
    expect(ask([version(1), later], { nowMs: NOW + 1 }).inForce?.version).toBe(2);
    expect(ask([version(1, { valid_until: instant(NOW + 1) })]).inForce?.version).toBe(1);
    expect(ask([version(1, { valid_until: instant(NOW) })])).toMatchObject({
      inForce: null,
      refusal: { code: 'contract_expired' },
    });
  });

  it('is said to be planned where there is nothing but what begins later', () => {
    expect(ask([version(1, { valid_from: instant(NOW + DAY) })]).refusal?.code).toBe('contract_not_yet_valid');
  });

  it('never goes back, not when the highest is over and not when it is revoked', () => {
    const over = ask([version(1), version(2, { valid_until: instant(NOW - 1) })]);
    expect(over).toMatchObject({ inForce: null, refusal: { code: 'contract_expired' } });
    expect(over.whyNot(digest(1))?.code).toBe('contract_superseded');
    const revoked = ask([version(1), version(2)], { revocations: { ...fresh, contracts: [digest(2)] } });
    expect(revoked).toMatchObject({ inForce: null, refusal: { code: 'contract_revoked' } });
    expect(revoked.whyNot(digest(1))?.code).toBe('contract_superseded');
  });

  it('never goes back behind what was seen, when a registry hides the newest', () => {
    const standing = ask([version(1)], { seen: { version: 2, digest: digest(2) } });
    expect(standing).toMatchObject({ inForce: null, refusal: { code: 'contract_unknown' } });
    expect(standing.refusal?.message).toContain('was in force and is not to be found');
    expect(standing.whyNot(digest(1))?.code).toBe('contract_superseded');
    expect(ask([version(1), version(3)], { seen: { version: 2, digest: digest(2) } }).inForce?.version).toBe(3);
  });

  it('is neither of two contents under one number, until one is revoked', () => {
    const twin = version(2, { digest: digest(22) });
    const standing = ask([version(2), twin]);
    expect(standing).toMatchObject({ inForce: null, refusal: { code: 'contract_changed' } });
    expect([standing.whyNot(digest(2))?.code, standing.whyNot(digest(22))?.code]).toEqual([
      'contract_changed',
      'contract_changed',
    ]);
    expect(ask([version(2), twin], { revocations: { ...fresh, contracts: [digest(22)] } }).inForce?.digest).toBe(
      digest(2),
    );
    expect(ask([version(2)], { seen: { version: 2, digest: digest(22) } }).refusal?.code).toBe('contract_changed');
    expect(ask([version(2)], { seen: { version: 2, digest: digest(2) } }).inForce?.version).toBe(2);
  });

  it('a planned twin says nothing yet', () => {
    expect(ask([version(2), version(2, { digest: digest(22), valid_from: instant(NOW + 1) })]).inForce?.digest).toBe(
      digest(2),
    );
  });
});

describe('why a digest is not in force', () => {
  it.each([
    ['unsigned', 'contract_unsigned'],
    ['changed', 'contract_changed'],
  ] as const)('it is %s', (reason, code) => {
    const standing = ask([version(1)], { rejected: new Map([[digest(7), reason]]) });
    expect(standing.whyNot(digest(7))?.code).toBe(code);
    expect(standing.inForce?.version).toBe(1);
    expect(ask([], { rejected: new Map([[digest(7), reason]]) }).refusal?.code).toBe(code);
  });

  it('it is unknown', () => {
    expect(ask([version(1)]).whyNot(digest(7))?.code).toBe('contract_unknown');
  });

  it('of a roster it says roster, and asks the rosters of the list', () => {
    const revoked = { ...fresh, rosters: [digest(1)], contracts: [digest(2)] };
    const standing = ask([version(1), version(2)], { kind: 'roster', revocations: revoked });
    expect(standing.whyNot(digest(1))?.code).toBe('roster_revoked');
    expect(standing.inForce?.version).toBe(2);
    expect(standing.whyNot(digest(9))?.code).toBe('roster_unknown');
  });
});

describe('a list of revocations', () => {
  it.each([
    ['missing', null, {}],
    ['over', { ...fresh, fresh_until: instant(NOW) }, {}],
    ['of the future', { ...fresh, issued_at: instant(NOW + 5 * 60_000 + 60_001) }, {}],
    ['older than one seen before', fresh, { seenRevocations: 4 }],
  ])('that is %s keeps everything out of force', (_name, revocations, over) => {
    const standing = ask([version(1)], { revocations, ...over });
    expect(standing).toMatchObject({ inForce: null, refusal: { code: 'revocations_stale' } });
    expect(standing.whyNot(digest(1))?.code).toBe('revocations_stale');
  });

  it('is fresh to the last millisecond, and as new as the newest seen', () => {
    expect(ask([version(1)], { revocations: { ...fresh, fresh_until: instant(NOW + 1) } }).inForce?.version).toBe(1);
    expect(ask([version(1)], { seenRevocations: 3 }).inForce?.version).toBe(1);
  });

  it('is fresh by the clock that it is heard by, whatever the time of the versions', () => {
    const over = { ...fresh, fresh_until: instant(NOW) };
    expect(ask([version(1)], { revocations: over, heardMs: NOW - 1 }).inForce?.version).toBe(1);
    expect(ask([version(1)], { heardMs: NOW + DAY }).refusal?.code).toBe('revocations_stale');
    expect(ask([version(1)], { heardMs: NOW + DAY, nowMs: NOW + 11 * DAY }).refusal?.code).toBe('contract_expired');
  });

  it('is not asked for where nothing is granted: but what is revoked is', () => {
    for (const revocations of [null, { ...fresh, fresh_until: instant(NOW) }])
      expect(ask([version(1)], { revocations, heardMs: null }).inForce?.version).toBe(1);
    const revoked = { ...fresh, contracts: [digest(1)] };
    expect(ask([version(1)], { revocations: revoked, heardMs: null }).refusal?.code).toBe('contract_revoked');
  });

  it('revokes also when it is stale', () => {
    const stale = { ...fresh, fresh_until: instant(NOW), contracts: [digest(1)] };
    expect(ask([version(1)], { revocations: stale }).whyNot(digest(1))?.code).toBe('contract_revoked');
  });
});

describe('whatever is known, revoked and seen', () => {
  const versions = fc.uniqueArray(
    fc.record({
      n: fc.integer({ min: 1, max: 6 }),
      twin: fc.boolean(),
      from: fc.integer({ min: -5, max: 5 }),
      days: fc.integer({ min: 1, max: 8 }),
    }),
    { selector: ({ n, twin }) => `${n}${twin}`, maxLength: 8 },
  );
  const scenes = fc.record({
    versions,
    revoked: fc.subarray([1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]),
    seen: fc.option(fc.integer({ min: 1, max: 6 })),
    stale: fc.boolean(),
  });
  const toVersion = ({
    n,
    twin,
    from,
    days,
  }: {
    n: number;
    twin: boolean;
    from: number;
    days: number;
  }): SignedVersion => ({
    digest: digest(twin ? n + 10 : n),
    series: 'local',
    version: n,
    valid_from: instant(NOW + from * DAY),
    valid_until: instant(NOW + (from + days) * DAY),
  });

  it('at most one is in force, and it is valid, not revoked, the only one of its number and not below any that began', () => {
    fc.assert(
      fc.property(scenes, ({ versions, revoked, seen, stale }) => {
        const known = versions.map(toVersion);
        const revocations = { ...fresh, contracts: revoked.map(digest), fresh_until: instant(stale ? NOW : NOW + DAY) };
        const before = seen === null ? {} : { seen: { version: seen, digest: digest(seen) } };
        const standing = ask(known, { revocations, ...before });
        const { inForce } = standing;
        // Exactly the one in force has no reason against it, and something is always said where there is none.
        expect(known.filter((one) => standing.whyNot(one.digest) === undefined)).toEqual(
          inForce === null ? [] : [inForce],
        );
        expect(standing.refusal === null).toBe(inForce !== null);
        if (inForce === null) return;
        expect(stale).toBe(false);
        expect(revocations.contracts).not.toContain(inForce.digest);
        expect(Date.parse(inForce.valid_from) <= NOW && NOW < Date.parse(inForce.valid_until)).toBe(true);
        expect(inForce.version).toBeGreaterThanOrEqual(seen ?? 0);
        for (const other of known)
          if (Date.parse(other.valid_from) <= NOW && other.digest !== inForce.digest)
            expect(other.version < inForce.version || revocations.contracts.includes(other.digest)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('to show less, or in another order, never brings a lower version back', () => {
    fc.assert(
      fc.property(scenes, fc.nat(), ({ versions, revoked }, shuffle) => {
        const known = versions.map(toVersion);
        const revocations = { ...fresh, contracts: revoked.map(digest) };
        const full = ask(known, { revocations }).inForce;
        if (full === null) return;
        const shown = known.filter((_, index) => ((shuffle >> index) & 1) === 1).reverse();
        const less = ask(shown, { revocations, seen: { version: full.version, digest: full.digest } }).inForce;
        expect([null, full.digest]).toContain(less?.digest ?? null);
      }),
      { numRuns: 500 },
    );
  });
});

it('every code is explained to whoever publishes contracts', () => {
  const page = readFileSync(new URL('../../docs/contract.md', import.meta.url), 'utf8');
  const codes = STANDING_CODES.filter((code) => !code.startsWith('roster_'));
  expect(codes.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
});
