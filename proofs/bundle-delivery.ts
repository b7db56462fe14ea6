import { isDeepStrictEqual } from 'node:util';

import { deliveredDataSchema } from '../domain/delivery.js';
import type { Evidence } from '../domain/tasks.js';
import type { ProvenAuthority, ProvenEntry } from './bundle-authority.js';
import { digestOf } from './canonical-json.js';
import { placeOfSeq, type BundleFindings } from './bundle-report.js';

/**
 * Who was asked through which channel before they approved, by the register's entries. That the approvals have receipts was
 * judged with the evidence; here, that every entry is about this request, and that the receipts stand in the ledger.
 */
export function proveDelivery(
  { request, terms }: Pick<ProvenAuthority, 'request' | 'terms'>,
  entries: readonly ProvenEntry[],
  findings: BundleFindings,
): void {
  const { facts } = findings;
  const request_digest = digestOf(request);
  for (const { seq, entry } of entries) {
    if (entry.type !== 'delivered') continue;
    const refuse = (message: string): void => findings.fail('delivery', 'delivery_refused', placeOfSeq(seq), message);
    const data = deliveredDataSchema.safeParse(entry.data);
    if (!data.success) refuse('it does not say what was delivered to whom');
    else if (data.data.request_digest !== request_digest) refuse('it is of another request');
    else {
      const { channel, round, people, body_sha256 } = data.data;
      facts.deliveries.push({ channel, round, people, at: entry.at, body_sha256 });
    }
  }
  const said = facts.deliveries.map(({ people, channel, at }) => `${people.join(', ')} by ${channel} at ${at}`);
  const wanted = terms.approvals.delivery === undefined ? 'the policy wants no receipts' : 'no notice was delivered';
  findings.ran('delivery', said.join('; ') || wanted);
  if (said.length > 0)
    findings.notVerified.push('that people read what was sent to them: a receipt says that the channel took it');
}

/** Holds it against an intent that a receipt in its evidence is not the ledger's, or came into the ledger after it. */
export function checkDeliveriesHeld(
  { deliveries = [] }: Evidence,
  entries: readonly ProvenEntry[],
  intentSeq: number,
  findings: BundleFindings,
): void {
  for (const { transition, envelope } of deliveries) {
    const held = entries.find(({ entry, body }) => entry.type === 'delivered' && isDeepStrictEqual(body, envelope));
    if (held !== undefined && held.seq < intentSeq) continue;
    const why = held === undefined ? 'is not in the ledger' : 'stands after the intent that rests on it';
    findings.fail('delivery', 'delivery_refused', placeOfSeq(intentSeq), `its receipt ${transition} ${why}`);
  }
}
