import { canonicalJson } from '../../proofs/canonical-json.js';
import { BUNDLE_PAYLOAD_TYPE, type BundleStatement } from '../../proofs/bundle.js';
import { signDsse, type DsseEnvelope } from '../../proofs/dsse.js';
import { roleKeys } from './ceremony-people.js';
import { ledgerOf } from './full-ceremony.js';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Place = readonly (string | number)[];

/** One change of what a bundle's register signed. */
export interface Mutation {
  name: string;
  /** The whole file: the same envelope around the changed content, under the signature of the first. */
  file: string;
  content: string;
}

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
function structuralMutations(statement: Json): { name: string; content: string }[] {
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
export const evenly = <Item>(items: readonly Item[], count: number): Item[] =>
  Array.from({ length: count }, (_, index) => items[Math.floor((index * items.length) / count)] as Item);

/** A bundle as a file, with every way to change it that is tried here. */
export class MutatedBundle {
  readonly envelope: DsseEnvelope;
  readonly statement: Json;

  constructor(readonly text: string) {
    this.envelope = JSON.parse(text) as DsseEnvelope;
    this.statement = JSON.parse(Buffer.from(this.envelope.payload, 'base64').toString('utf8')) as Json;
  }

  get predicate(): BundleStatement['predicate'] {
    return (this.statement as unknown as BundleStatement).predicate;
  }

  /** As many again of single bytes as of structural changes, spread over all of it. */
  mutations(ofEach = 100): Mutation[] {
    const structural = structuralMutations(this.statement);
    if (structural.length <= 2 * ofEach) throw new Error(`only ${structural.length} structural changes`);
    const before = this.before;
    return [
      ...evenly(structural, ofEach).map(({ name, content }) => ({ name, file: this.around(content), content })),
      ...evenly([...Buffer.from(before).keys()], ofEach).map((at) => {
        const content = Buffer.from(before);
        content[at] = (content[at] ?? 0) ^ 1;
        return {
          name: `byte ${at} of what was signed`,
          file: this.around(content),
          content: content.toString('latin1'),
        };
      }),
    ];
  }

  /** What the register signed, as it stands. */
  get before(): string {
    return canonicalJson(this.statement);
  }

  /** Chained and sealed by whoever holds the register's key. */
  sealedAnew(over: Partial<BundleStatement['predicate']>): string {
    const { predicate } = this;
    const receipts = (over.entries ?? predicate.entries).map(({ body }) => ({ transition: '', envelope: body }));
    const chained = ledgerOf(predicate.event_id, receipts);
    const subject = [{ name: `breakglass/${predicate.event_id}`, digest: { sha256: chained.at(-1)?.ledger_hash } }];
    const content = { ...(this.statement as object), subject, predicate: { ...predicate, ...over, entries: chained } };
    const payload = Buffer.from(canonicalJson(content));
    return canonicalJson(signDsse({ payloadType: BUNDLE_PAYLOAD_TYPE, payload, key: roleKeys.register }));
  }

  /** The same with each entry changed in its payload and in its signature. */
  mangledEntries(): string[] {
    const { entries } = this.predicate;
    return entries.flatMap((entry, at) =>
      mangled(entry.body).map((body) => this.sealedAnew({ entries: entries.with(at, { ...entry, body }) })),
    );
  }

  private around(content: string | Uint8Array): string {
    return canonicalJson({ ...this.envelope, payload: Buffer.from(content).toString('base64') });
  }
}

/** An envelope with one byte of its payload changed, and with each of its signatures changed. */
export function mangled(signed: DsseEnvelope): DsseEnvelope[] {
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
