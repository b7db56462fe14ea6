import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { canonicalJson } from '../../proofs/canonical-json.js';
import { BUNDLE_PAYLOAD_TYPE, type BundleStatement } from '../../proofs/bundle.js';
import { signDsse, type DsseEnvelope } from '../../proofs/dsse.js';
import { roleKeys } from './ceremony-people.js';
import { ledgerOf } from './full-ceremony.js';
import { contracted, eventId, trustText, verifyContracted } from './contracted-ceremony.js';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Place = readonly (string | number)[];

const text = contracted();
const bytes = Buffer.from(text);
const envelope = JSON.parse(text) as DsseEnvelope;
const statement = JSON.parse(Buffer.from(envelope.payload, 'base64').toString('utf8')) as Json;

/** The same envelope around other content, under the signature of the first. */
const around = (content: string | Uint8Array): string =>
  canonicalJson({ ...envelope, payload: Buffer.from(content).toString('base64') });

/** Every object and array of a JSON value, by its place. */
function containersOf(value: Json, place: Place = []): { place: Place; value: Json[] | { [name: string]: Json } }[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([name, member]) =>
    containersOf(member, [...place, Array.isArray(value) ? Number(name) : name]),
  );
  return [{ place, value }, ...inner];
}

/** A copy in which what stands at a place was changed. */
function changedAt(root: Json, place: Place, change: (value: never) => void): Json {
  const copy = structuredClone(root);
  let found: Json = copy;
  for (const step of place) found = (found as Record<string | number, Json>)[step] ?? null;
  change(found as never);
  return copy;
}

/** Members left out, added, renamed and replaced; elements dropped, doubled and swapped: one change each. */
function structuralMutations(): { name: string; content: string }[] {
  return containersOf(statement).flatMap(({ place, value }) => {
    const at = place.join('.') || 'statement';
    const one = (name: string, change: (value: never) => void) => ({
      name: `${name} at ${at}`,
      content: canonicalJson(changedAt(statement, place, change)),
    });
    if (Array.isArray(value)) {
      return [
        one('an element more', (list: Json[]) => list.push(list[0] ?? null)),
        ...(value.length === 0 ? [] : [one('the first element missing', (list: Json[]) => list.shift())]),
        ...(value.length < 2 ? [] : [one('elements in another order', (list: Json[]) => list.reverse())]),
      ];
    }
    return [
      one('a member more', (object: Record<string, Json>) => Object.assign(object, { more: true })),
      ...Object.keys(value).flatMap((name) => [
        one(`${name} missing`, (object: Record<string, Json>) => Reflect.deleteProperty(object, name)),
        one(`${name} null`, (object: Record<string, Json>) => Object.assign(object, { [name]: null })),
      ]),
    ];
  });
}

/** Every so many-th of a list, so that all of it is covered evenly: exactly `count`. */
const evenly = <Item>(items: readonly Item[], count: number): Item[] =>
  Array.from({ length: count }, (_, index) => items[Math.floor((index * items.length) / count)] as Item);

describe('a full bundle, with contract, rosters, warrant, statements, entries and snapshots', () => {
  it('verifies as it is', () => {
    const report = verifyContracted(text);
    expect(report.errors).toEqual([]);
    expect(report.ok).toBe(true);
    expect(Object.keys((statement as { predicate: object }).predicate).sort()).toEqual([
      'contract',
      'entries',
      'event_id',
      'people',
      'policy',
      'rosters',
      'schema',
      'sealed_at',
      'stage',
    ]);
  });

  it('200 structural and single-byte mutations of signed content are all refused', () => {
    const structural = structuralMutations();
    expect(structural.length).toBeGreaterThan(200);
    const before = canonicalJson(statement);
    const mutations = [
      ...evenly(structural, 100).map(({ name, content }) => ({ name, file: around(content), content })),
      ...evenly([...Buffer.from(before).keys()], 100).map((at) => {
        const content = Buffer.from(before);
        content[at] = (content[at] ?? 0) ^ 1;
        return { name: `byte ${at} of what was signed`, file: around(content), content: content.toString('latin1') };
      }),
    ];
    expect(mutations).toHaveLength(200);
    expect(mutations.filter(({ content }) => content === before)).toEqual([]);
    const passed = mutations.filter(({ file }) => verifyContracted(file).ok).map(({ name }) => name);
    expect(passed).toEqual([]);
  });

  it('names a place and says what is wrong, for a single byte anywhere in the file', () => {
    for (const at of evenly([...bytes.keys()], 60)) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const report = verifyContracted(changed.toString('latin1'));
      expect(report.ok, `byte ${at}`).toBe(false);
      expect(report.errors.every(({ where, message }) => where !== '' && message !== '')).toBe(true);
    }
  });

  it('is refused when whoever holds the register’s key chains and seals it anew: what others signed stays theirs', () => {
    const { predicate } = statement as unknown as BundleStatement;
    const { contract, rosters = [], entries } = predicate;
    if (contract === undefined) throw new Error('the bundle holds a contract');
    const sealedAnew = (over: Partial<BundleStatement['predicate']>): string => {
      const receipts = (over.entries ?? entries).map(({ body }) => ({ transition: '', envelope: body }));
      const chained = ledgerOf(eventId, receipts);
      const subject = [{ name: `breakglass/${eventId}`, digest: { sha256: chained.at(-1)?.ledger_hash } }];
      const content = { ...(statement as object), subject, predicate: { ...predicate, ...over, entries: chained } };
      const payload = Buffer.from(canonicalJson(content));
      return canonicalJson(signDsse({ payloadType: BUNDLE_PAYLOAD_TYPE, payload, key: roleKeys.register }));
    };
    expect(verifyContracted(sealedAnew({})).errors).toEqual([]);
    const forged = [
      ...mangled(contract).map((one) => sealedAnew({ contract: one })),
      ...rosters.flatMap((roster) => mangled(roster).map((one) => sealedAnew({ rosters: [one] }))),
      ...entries.flatMap((entry, at) =>
        mangled(entry.body).map((body) => sealedAnew({ entries: entries.with(at, { ...entry, body }) })),
      ),
    ];
    expect(forged.length).toBeGreaterThan(2 * entries.length);
    expect(forged.filter((file) => verifyContracted(file).ok)).toEqual([]);
    expect(
      forged.map((file) => verifyContracted(file).errors[0]?.code).filter((code) => code === 'envelope_signature'),
    ).toEqual([]);
  });
});

/** An envelope with one byte of its payload changed, and with each of its signatures changed. */
function mangled(signed: DsseEnvelope): DsseEnvelope[] {
  const payload = Buffer.from(signed.payload, 'base64');
  payload[payload.length >> 1] = (payload[payload.length >> 1] ?? 0) ^ 1;
  const flipped = ({ keyid, sig }: { keyid: string; sig: string }) => ({
    keyid,
    sig: `${sig.startsWith('A') ? 'B' : 'A'}${sig.slice(1)}`,
  });
  return [
    { ...signed, payload: payload.toString('base64') },
    ...signed.signatures.map((signature, at) => ({
      ...signed,
      signatures: signed.signatures.with(at, flipped(signature)),
    })),
  ];
}

describe('a bundle from one machine', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'reseal-elsewhere-'));
    await writeFile(path.join(directory, 'bundle.json'), text);
    await writeFile(path.join(directory, 'roots.json'), trustText());
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  /** The command in a process of its own, that sees the two files and nothing of this machine's configuration. */
  const verifyElsewhere = (bundle: string, trust = 'roots.json') =>
    spawnSync(process.execPath, [main, 'evidence', 'verify', bundle, '--trust', trust, '-o', 'json'], {
      cwd: directory,
      env: { HOME: directory, PATH: '' },
      encoding: 'utf8',
    });
  const main = path.resolve(import.meta.dirname, '../../dist/client/cli/main.js');

  it('verifies on another with only the trust roots', () => {
    const { status, stdout, stderr } = verifyElsewhere('bundle.json');
    expect(stderr).toContain('trust roots:');
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      event_id: eventId,
      facts: { contract: { signers: ['ann', 'ben'] }, roster: { signers: ['ann', 'ben'] } },
    });
    expect(status).toBe(0);
  });

  it('does not verify there once it was changed on the way: exit 7', async () => {
    const changed = Buffer.from(text);
    changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1;
    await writeFile(path.join(directory, 'changed.json'), changed);
    expect(verifyElsewhere('changed.json').status).toBe(7);
  });

  it('does not verify by the trust roots of somebody else: exit 7', async () => {
    const { contract_roots: _roots, ...others } = JSON.parse(trustText()) as Record<string, unknown>;
    await cp(path.join(directory, 'bundle.json'), path.join(directory, 'same.json'));
    await writeFile(path.join(directory, 'theirs.json'), JSON.stringify({ ...others, policies: [] }));
    expect(verifyElsewhere('same.json', 'theirs.json').status).toBe(7);
  });
});
