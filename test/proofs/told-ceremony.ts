import type { EntryPayload } from '../../domain/entry.js';
import { instant } from '../../domain/identifiers.js';
import type { BundleReport } from '../../proofs/bundle-report.js';
import { verifyBundle } from '../../proofs/bundle-verify.js';
import { fullCeremony, sealed, sign, testTrust } from './full-ceremony.js';

/** One whole ceremony, its bundle as a file, and what its verifier takes for granted. */
export const trust = testTrust();
export const ceremony = fullCeremony();
export const eventId = ceremony.request.event_id;
export const text = sealed(eventId, ceremony.payloads.map(sign));
export const verify = (file: Uint8Array | string): BundleReport => verifyBundle(Buffer.from(file), trust);

/** The same ceremony with its payloads changed, every signature genuine. */
export function told(
  change: (payloads: EntryPayload[]) => EntryPayload[],
  stage: 'confirmed' | 'audited' = 'audited',
): { ok: boolean; codes: string[]; report: BundleReport } {
  const report = verify(sealed(eventId, change([...ceremony.payloads]).map(sign), stage));
  return { ok: report.ok, codes: report.errors.map(({ code, where }) => `${code} ${where}`), report };
}

/** Changes for `told`: entries of a type left out, or with other data and, where it is given, another time (epoch ms). */
export const without = (type: string) => (payloads: EntryPayload[]) =>
  payloads.filter((payload) => payload.type !== type);
export const edited = (type: string, data: Record<string, unknown>, at?: number) => (payloads: EntryPayload[]) =>
  payloads.map((payload) =>
    payload.type === type
      ? { ...payload, ...(at === undefined ? {} : { at: instant(at) }), data: { ...payload.data, ...data } }
      : payload,
  );
