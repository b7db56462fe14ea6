import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { verifyBundle } from '../../proofs/bundle-verify.js';
import { canonicalJson } from '../../proofs/canonical-json.js';
import { text, trust, verify } from './told-ceremony.js';

const bytes = Buffer.from(text);

describe('any change of the file', () => {
  it('fails, naming where, at every single byte', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ flip;
        const report = verifyBundle(changed, trust);
        expect(report.ok).toBe(false);
        expect(report.errors.length).toBeGreaterThan(0);
        expect(report.errors.every(({ where, message }) => where !== '' && message !== '')).toBe(true);
      }),
      {
        numRuns: 250,
        examples: [
          [0, 1],
          [bytes.length - 1, 1],
        ],
      },
    );
  });

  it('fails for a byte more or less', () => {
    expect(verify(`${text}\n`).errors).toMatchObject([{ code: 'bundle_not_canonical' }]);
    expect(verify(text.slice(0, -1)).ok).toBe(false);
    expect(verify(text.replace('{', '{"extra":1,')).ok).toBe(false);
    expect(verify(text.replace('{"payload"', '{"payload":"","payload"')).errors).toMatchObject([
      { code: 'bundle_not_json' },
    ]);
  });

  it('names the entry that was changed inside the envelope', () => {
    const envelope = JSON.parse(text) as { payload: string };
    const inner = Buffer.from(envelope.payload, 'base64').toString();
    const statement = JSON.parse(inner) as { predicate: { entries: { body: { signatures: { sig: string }[] } }[] } };
    const [signature] = statement.predicate.entries[4]?.body.signatures ?? [];
    if (signature === undefined) throw new Error('five entries');
    signature.sig = `${signature.sig.startsWith('A') ? 'B' : 'A'}${signature.sig.slice(1)}`;
    const payload = Buffer.from(canonicalJson(statement)).toString('base64');
    const { errors } = verify(canonicalJson({ ...envelope, payload }));
    expect(errors.map(({ code, where }) => `${code} ${where}`)).toEqual([
      'envelope_signature envelope.signatures[0].sig',
      'ledger_broken entries[4]',
      'entry_refused entries[4].body',
    ]);
  });

  it('never throws, whatever the bytes are', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((json) => Buffer.from(json)),
        ),
        (rubbish) => {
          expect(verifyBundle(rubbish, trust).ok).toBe(false);
        },
      ),
      { numRuns: 200 },
    );
  });
});
