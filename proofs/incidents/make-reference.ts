import type { PcrAlternative, PcrPolicy } from '../../domain/attestation-policy.js';
import { hostReferenceSchema, type HostReference } from '../../domain/incidents/host-reference.js';
import { canonicalJson } from '../canonical-json.js';
import { parsePublicArea } from '../tpm/public-area.js';

/** What a host showed at its enrolment, and who wants it accepted. */
export interface ShownHost {
  host: string;
  /** TPM2B_PUBLIC. */
  ek: Buffer;
  ak: Buffer;
  /** DER. */
  ekChain: readonly Buffer[];
  eventLog: boolean;
  /** Bank, index, lower-case hex. */
  pcrs: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What these values stand for, such as "shim 15.8, kernel 6.1.0-28". */
  label: string;
  by: string;
  /** RFC 3339 UTC. */
  at: string;
}

/**
 * The next version of a host's reference, as RFC 8785 text: the keys and values shown now, and of the version before, where
 * there is one, the alternatives that were good so far. Throws RangeError for keys that are none.
 */
export function makeReference(shown: ShownHost, before?: HostReference): string {
  const area = parsePublicArea(shown.ak);
  if (!area.ok) throw new RangeError(`the attestation key cannot be read: ${area.detail}`);
  const version = (before?.version ?? 0) + 1;
  const policy = {
    schema: 'reseal.pcr_policy.v1',
    name: shown.host,
    version,
    aks: [{ name: area.value.name.toString('hex') }],
    pcrs: Object.fromEntries(
      Object.entries(shown.pcrs).map(([bank, values]) => [
        bank,
        Object.fromEntries(
          Object.entries(values).map(([index, digest]) => [
            index,
            alternatives(shown, digest, before?.policy, bank, index),
          ]),
        ),
      ]),
    ),
  };
  return canonicalJson(
    hostReferenceSchema.parse({
      schema: 'reseal.host_reference.v1',
      host: shown.host,
      version,
      ek: shown.ek.toString('base64'),
      ak: shown.ak.toString('base64'),
      ek_chain: shown.ekChain.map((der) => der.toString('base64')),
      event_log: shown.eventLog,
      policy,
    }),
  );
}

function alternatives(
  { label, by, at }: ShownHost,
  digest: string,
  before: PcrPolicy | undefined,
  bank: string,
  index: string,
): PcrAlternative[] {
  const known = before?.pcrs[bank as keyof PcrPolicy['pcrs']]?.[index] ?? [];
  if (known.some((one) => one.digest === digest)) return known;
  return [...known, { digest, label, accepted_by: [by], accepted_at: at }];
}
