import type { PcrAlternative, PcrBank, PcrPolicy } from '../../domain/attestation-policy.js';
import type { Component, MeasuredEvent } from '../../domain/component-policy.js';
import { mergeComponents } from '../../domain/merge-components.js';
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
  /** With it PCRs that the log extends are recorded by what is measured into them: the events, once the log led to the values. */
  measured?: { pcrs: ReadonlyMap<string, ReadonlyMap<number, readonly MeasuredEvent[]>>; locality: number };
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
    ...valuesAndComponents(shown, before?.policy),
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

/** What was allowed of a PCR stays, by value and by components; what is shown now is added to the one or to the other. */
function valuesAndComponents(shown: ShownHost, before: PcrPolicy | undefined): object {
  const pcrs: Record<string, Record<string, PcrAlternative[]>> = {};
  const components: Record<string, Record<string, Component[]>> = {};
  const { label, by, at, measured } = shown;
  for (const [bank, values] of Object.entries(shown.pcrs) as [PcrBank, Record<string, string>][]) {
    for (const [index, digest] of Object.entries(values)) {
      const [allowed, known] = [before?.pcrs[bank]?.[index], before?.components?.[bank]?.[index]];
      const events = measured?.pcrs.get(bank)?.get(Number(index));
      const list = events && mergeComponents(known, events, { label, accepted_by: [by], accepted_at: at });
      const byValue = events === undefined ? alternatives(shown, digest, allowed) : allowed;
      if (byValue !== undefined) (pcrs[bank] ??= {})[index] = byValue;
      if (list !== undefined || known !== undefined) (components[bank] ??= {})[index] = list ?? known ?? [];
    }
  }
  const byComponents = Object.values(components).some((of) => of['0'] !== undefined);
  const localities = new Set<number>(before?.startup_localities ?? (hasFirst(before) ? [0] : []));
  if (measured !== undefined && byComponents) localities.add(measured.locality);
  const isUsual = localities.size === 0 || (localities.size === 1 && localities.has(0));
  return {
    pcrs,
    ...(Object.keys(components).length === 0 ? {} : { components }),
    ...(isUsual ? {} : { startup_localities: [...localities].sort((a, b) => a - b) }),
  };
}

/** Whether PCR 0 is judged by components already. */
const hasFirst = (policy: PcrPolicy | undefined): boolean =>
  Object.values(policy?.components ?? {}).some((of) => of['0'] !== undefined);

function alternatives({ label, by, at }: ShownHost, digest: string, known: PcrAlternative[] = []): PcrAlternative[] {
  if (known.some((one) => one.digest === digest)) return known;
  return [...known, { digest, label, accepted_by: [by], accepted_at: at }];
}
