import { describe, expect, it } from 'vitest';

import type { EntryPayload, EntryType } from '../../domain/entry.js';
import { policy } from './ceremony-people.js';
import { extendedCeremony, killedCeremony, killedPolicy, sealedUnder, verifyUnder } from './later-ceremonies.js';
import { MutatedBundle } from './mutated-bundle.js';

describe.each([
  [
    'an extended ceremony',
    { ceremony: extendedCeremony(), under: policy, of: ['extension', 'extended'] as EntryType[] },
  ],
  [
    'a killed one with what was taken back',
    {
      ceremony: killedCeremony(),
      under: killedPolicy,
      of: ['granted_listed', 'follow_up_ordered', 'taken_back_direct', 'follow_up_verified'] as EntryType[],
    },
  ],
])('the bundle of %s', (_, { ceremony, under, of }) => {
  const bundle = new MutatedBundle(sealedUnder(ceremony, under));
  const verify = (file: string) => verifyUnder(file, under);

  it('verifies as it is, and holds what it is about', () => {
    const report = verify(bundle.text);
    expect(report.errors).toEqual([]);
    expect(ceremony.payloads.map(({ type }) => type)).toEqual(expect.arrayContaining(of));
    const { extensions, follow_ups } = report.facts;
    expect(extensions.length + follow_ups.length).toBe(1);
    expect(extensions).toMatchObject(extensions.map(() => ({ round: 2, deadline: ceremony.intent.deadline })));
    expect(follow_ups).toMatchObject(follow_ups.map(() => ({ act: 'take_back', persons: ['bob'], confirmed: true })));
  });

  it('200 structural and single-byte mutations of signed content are all refused', () => {
    const mutations = bundle.mutations();
    expect(mutations).toHaveLength(200);
    expect(mutations.filter(({ content }) => content === bundle.before)).toEqual([]);
    expect(mutations.filter(({ file }) => verify(file).ok).map(({ name }) => name)).toEqual([]);
  });

  it('is refused when whoever holds the register’s key chains and seals it anew', () => {
    expect(verify(bundle.sealedAnew({})).errors).toEqual([]);
    const forged = bundle.mangledEntries();
    expect(forged.length).toBeGreaterThanOrEqual(2 * ceremony.payloads.length);
    expect(forged.filter((file) => verify(file).ok)).toEqual([]);
  });

  it.each(of)('is refused, or says what it no longer proves, without its %s', (type) => {
    const without = (payloads: EntryPayload[]) => payloads.filter((payload) => payload.type !== type);
    const whole = verify(bundle.text);
    const { ok, facts, not_verified } = verify(
      sealedUnder({ ...ceremony, payloads: without(ceremony.payloads) }, under),
    );
    const says = not_verified.some((sentence) => !whole.not_verified.includes(sentence));
    const claims = JSON.stringify([facts.extensions, facts.follow_ups, facts.kill_actions, facts.deadline]);
    const claimed = JSON.stringify([
      whole.facts.extensions,
      whole.facts.follow_ups,
      whole.facts.kill_actions,
      whole.facts.deadline,
    ]);
    expect(!ok || says || claims !== claimed).toBe(true);
  });
});
