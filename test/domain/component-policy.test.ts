import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pcrPolicySchema } from '../../domain/attestation-policy.js';
import { componentsObjection, type Component, type MeasuredEvent } from '../../domain/component-policy.js';
import { mergeComponents } from '../../domain/merge-components.js';

const NOW = { label: 'shim 15.8', accepted_by: ['alice@contoso.com'], accepted_at: '2026-11-21T00:00:00Z' };
const digestOf = (letter: string): string => letter.repeat(64);
const one = (digest: string) => ({ digest: digestOf(digest), ...NOW });
const ABSENT = { absent: true as const, ...NOW };
/** `loader:ab?` is a component of type loader with digests a and b, which may be absent. */
const list = (...texts: string[]): Component[] =>
  texts.map((text) => {
    const [event_type = '', allowed = ''] = text.split(':');
    return { event_type, allowed: [...allowed].map((letter) => (letter === '?' ? ABSENT : one(letter))) };
  });
const seen = (...texts: string[]): MeasuredEvent[] =>
  texts.map((text) => ({ event_type: text.split(':')[0] ?? '', digest: digestOf(text.split(':')[1] ?? '') }));

describe('when events are held against the components of a PCR', () => {
  const components = list('crtm:a', 'loader:bc', 'rom:d?', 'kernel:e');

  it('allows one alternative of each component, in their order', () => {
    expect(componentsObjection(components, seen('crtm:a', 'loader:b', 'rom:d', 'kernel:e'))).toBeUndefined();
    expect(componentsObjection(components, seen('crtm:a', 'loader:c', 'kernel:e'))).toBeUndefined();
  });

  it.each([
    [
      'a digest that no component has',
      ['crtm:a', 'loader:f'],
      `event 2 (loader) is ${digestOf('f')}, expected component 2 (loader): one of 2 digests`,
    ],
    [
      'the digest of another component',
      ['crtm:b'],
      `event 1 (crtm) is ${digestOf('b')}, expected component 1 (crtm): ${digestOf('a')} (shim 15.8)`,
    ],
    ['an allowed digest under another type', ['crtm:a', 'kernel:b'], 'event 2 (kernel)'],
    ['another order', ['loader:b', 'crtm:a'], 'event 1 (loader)'],
    ['a component twice', ['crtm:a', 'loader:b', 'loader:c'], 'event 3 (loader)'],
    ['one event too many', ['crtm:a', 'loader:b', 'kernel:e', 'kernel:e'], 'expected no further event'],
    ['a component that must be there and is not', ['crtm:a', 'kernel:e'], 'event 2 (kernel)'],
    ['an end that comes too soon', ['crtm:a', 'loader:b'], 'the log ends after 2 events, expected component 3 (rom): '],
    ['no event at all', [], 'the log ends after 0 events, expected component 1 (crtm)'],
  ])('refuses %s', (_name, events, objection) => {
    expect(componentsObjection(components, seen(...events))).toContain(objection);
  });

  it('calls a component by its name where it has one', () => {
    const [first, ...rest] = components;
    const named = [{ ...(first ?? { event_type: '', allowed: [] }), name: 'the core root of trust' }, ...rest];
    expect(componentsObjection(named, [])).toContain('component 1 (the core root of trust)');
  });
});

const typeArb = fc.constantFrom('t', 'u');
const componentArb = fc
  .tuple(typeArb, fc.subarray(['a', 'b', 'c', '?'], { minLength: 1 }))
  .map(([type, allowed]) => `${type}:${allowed.join('')}`);
const listArb = fc.array(componentArb, { minLength: 1, maxLength: 5 });
const eventsArb = fc.array(
  fc.tuple(typeArb, fc.constantFrom('a', 'b', 'c')).map(([type, digest]) => `${type}:${digest}`),
  { maxLength: 5 },
);

describe('whatever the components and events', () => {
  it('allowed is exactly what choosing one alternative of each component can make', () => {
    fc.assert(
      fc.property(listArb, eventsArb, (components, events) => {
        const made = components.reduce<string[]>(
          (so_far, text) => {
            const [type = '', allowed = ''] = text.split(':');
            return so_far.flatMap((head) =>
              [...allowed].map((letter) => (letter === '?' ? head : `${head} ${type}:${letter}`)),
            );
          },
          [''],
        );
        const is = componentsObjection(list(...components), seen(...events)) === undefined;
        expect(is).toBe(made.includes(events.map((event) => ` ${event}`).join('')));
      }),
      { numRuns: 3_000 },
    );
  });

  it('what was allowed before, and what is seen now, are both allowed after a merge, and it is a policy still', () => {
    fc.assert(
      fc.property(
        fc.array(
          eventsArb.filter(({ length }) => length > 0),
          { minLength: 1, maxLength: 4 },
        ),
        (boots) => {
          let components: Component[] | undefined;
          for (const [at, boot] of boots.entries()) {
            components = mergeComponents(components, seen(...boot), NOW);
            for (const earlier of boots.slice(0, at + 1))
              expect(componentsObjection(components, seen(...earlier))).toBeUndefined();
          }
          const spelt = components?.map((component) => ({
            ...component,
            event_type: component.event_type === 't' ? 'EV_IPL' : '0x12345678',
          }));
          expect(policyOf({ sha256: { '4': spelt } })).toBe('none');
        },
      ),
      { numRuns: 500 },
    );
  });

  it('a boot that is known changes nothing', () => {
    fc.assert(
      fc.property(eventsArb, (boot) => {
        const known = mergeComponents(undefined, seen(...boot), NOW);
        expect(mergeComponents(known, seen(...boot), { ...NOW, label: 'another day' })).toEqual(known);
      }),
    );
  });
});

describe('when a newer boot is merged into the components', () => {
  it('a new digest is one more alternative of its component, and the order stays', () => {
    const known = mergeComponents(undefined, seen('crtm:a', 'loader:b', 'loader:c'), NOW);
    const merged = mergeComponents(known, seen('crtm:a', 'loader:d', 'loader:c'), { ...NOW, label: 'shim 15.9' });
    expect(merged.map(({ allowed }) => allowed.map(({ label }) => label))).toEqual([
      ['shim 15.8'],
      ['shim 15.8', 'shim 15.9'],
      ['shim 15.8'],
    ]);
    expect(componentsObjection(merged, seen('crtm:a', 'loader:c', 'loader:c'))).toContain('event 2');
  });

  it('what is gone may be absent, and what is new may be absent as before', () => {
    const known = mergeComponents(undefined, seen('crtm:a', 'rom:b', 'kernel:c'), NOW);
    const merged = mergeComponents(known, seen('crtm:a', 'shim:d', 'kernel:c'), NOW);
    expect(merged.map(({ event_type, allowed }) => [event_type, allowed.some((each) => 'absent' in each)])).toEqual([
      ['crtm', false],
      ['rom', true],
      ['shim', true],
      ['kernel', false],
    ]);
  });
});

function policyOf(components: unknown, more: object = {}): string {
  const file = { schema: 'reseal.pcr_policy.v1', name: 'hosts', version: 1, pcrs: {}, components, ...more };
  const parsed = pcrPolicySchema.safeParse(file);
  if (parsed.success) return 'none';
  return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
}

describe('when a policy with components is read', () => {
  const good = { event_type: 'EV_IPL', allowed: [one('a')] };
  const inPcr4 = (...components: object[]): string => policyOf({ sha256: { '4': components } });

  it('is enough without a single whole value, and spells types and digests in one way', () => {
    expect(inPcr4(good, { ...good, name: 'kernel', allowed: [one('b'), ABSENT] })).toBe('none');
    const spelt = pcrPolicySchema.parse({
      schema: 'reseal.pcr_policy.v1',
      name: 'hosts',
      version: 1,
      pcrs: {},
      components: { sha256: { '4': [{ event_type: '0x8000000C', allowed: [one('A')] }] } },
    });
    expect(spelt.components?.sha256?.['4']?.[0]).toMatchObject({
      event_type: 'EV_EFI_VARIABLE_BOOT2',
      allowed: [{ digest: digestOf('a') }],
    });
  });

  it.each([
    [
      'a type that is none',
      { ...good, event_type: 'EV_SHIM' },
      'components.sha256.4.0.event_type: expected an event type',
    ],
    ['a type of three digits', { ...good, event_type: '0x123' }, 'event_type: expected an event type'],
    ['a type that is never measured', { ...good, event_type: 'EV_NO_ACTION' }, 'never measured'],
    ['the same by its number', { ...good, event_type: '0x00000003' }, 'never measured'],
    ['nothing allowed', { ...good, allowed: [] }, 'an empty set allows nothing'],
    [
      'a digest twice',
      { ...good, allowed: [one('a'), one('A')] },
      'components.sha256.4.0.allowed.1: the same stands here already',
    ],
    [
      'a digest of another bank',
      { ...good, allowed: [{ ...NOW, digest: 'ab'.repeat(48) }] },
      'a digest of sha256 has 64 hex digits',
    ],
    ['absent: false', { ...good, allowed: [{ ...NOW, absent: false }] }, 'expected either digest, or absent: true'],
    [
      'nobody who accepted it',
      { ...good, allowed: [{ ...one('a'), accepted_by: [] }] },
      'components.sha256.4.0.allowed.0',
    ],
  ])('refuses %s', (_name, component, fault) => {
    expect(inPcr4(component)).toContain(fault);
  });

  it('refuses a PCR without components, a policy that names nothing, and a locality that no TPM is started from', () => {
    expect(inPcr4()).toContain('put it under pcrs');
    expect(policyOf({})).toContain('a policy without PCRs allows all');
    expect(policyOf(undefined)).toContain('a policy without PCRs allows all');
    expect(policyOf({ sha256: { '0': [good] } }, { startup_localities: [1] })).toContain('startup_localities.0');
  });
});
