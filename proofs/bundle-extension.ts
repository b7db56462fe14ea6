import { isDeepStrictEqual } from 'node:util';

import { z } from 'zod';

import { epochMs } from '../domain/identifiers.js';
import { signedIntentSchema, type Intent } from '../domain/intent.js';
import type { Asked, KnownPolicy, ProvenAuthority, ProvenEntry, ProvenExtension } from './bundle-authority.js';
import { checkMarker } from './bundle-intent.js';
import { checkDeliveriesHeld } from './bundle-delivery.js';
import { placeOfSeq, type BundleFindings } from './bundle-report.js';
import { digestOf } from './canonical-json.js';
import { evidenceSchema, judgeIntent } from './evidence.js';
import { statementDigest } from './statement-check.js';
import type { Trust } from './trust.js';

const extensionData = z.object({ signed: signedIntentSchema, evidence: evidenceSchema });

/** What extensions are proven from, besides their own entries. */
interface Proven {
  asked: Asked;
  acts: ProvenAuthority['acts'];
  /** The grant's own intent. */
  first: ProvenAuthority['intent'];
  known: KnownPolicy;
  trust: Trust;
}

/**
 * The extensions that the authority recorded, each judged as the effect judged it at the time the authority says it issued:
 * who asked, who approved exactly that, the intents before it, the policy's maximum from the first start, the marker; and
 * what the provider said. The deadline that was to be kept is that of the latest one that the provider took in time.
 */
export function proveExtensions(
  proven: Proven,
  entries: readonly ProvenEntry[],
  findings: BundleFindings,
): ProvenExtension[] {
  const found: ProvenExtension[] = [];
  for (const recorded of entries.filter(({ entry }) => entry.type === 'extension')) {
    const extension = proveExtension(proven, recorded, found, entries, findings);
    if (extension === undefined) continue;
    found.push(extension);
    // An extension that was not taken moves nothing but the provider's latest end.
    findings.facts.dead_man = extension.intent.dead_man;
    if (extension.extended !== undefined) findings.facts.deadline = extension.intent.deadline;
  }
  const said = found.map(
    ({ intent, extended }) =>
      `round ${intent.round} until ${intent.deadline}: ${extended === undefined ? 'not in force' : `in force from ${extended.entry.at}`}`,
  );
  findings.ran('extension', said.join('; ') || 'none was issued');
  return found;
}

function proveExtension(
  { asked, acts, first, known, trust }: Proven,
  { seq, entry }: ProvenEntry,
  before: readonly ProvenExtension[],
  entries: readonly ProvenEntry[],
  findings: BundleFindings,
): ProvenExtension | undefined {
  const where = placeOfSeq(seq);
  const refuse = (message: string): undefined => {
    findings.fail('extension', 'extension_refused', where, message);
    return undefined;
  };
  if (first === undefined) return refuse('it extends a grant of which no intent stands');
  const data = extensionData.safeParse(entry.data);
  if (!data.success) return refuse('it carries no signed intent with its evidence');
  const { signed, evidence } = data.data;
  const key = trust.keyOf(signed.envelope.signatures[0]?.keyid ?? '');
  const authorityKey = key?.role === 'authority' ? key.publicKey : undefined;
  const judged = judgeIntent({
    signed,
    evidence,
    roster: trust.roster,
    roleKeys: trust.keyOf,
    policy: known.policy,
    policyDigest: known.digest,
    authorityKey: () => authorityKey,
    nowMs: epochMs(signed.intent.issued_at),
  });
  if (!judged.ok) return refuse(`${judged.code}: ${judged.message}`);
  const { intent, approvals, extension } = judged;
  checkDeliveriesHeld(evidence, entries, seq, findings);
  if (extension === undefined) return refuse('it is an intent of the first round');
  if (statementDigest(evidence.request) !== statementDigest(asked.envelope))
    return refuse('its evidence has another request');
  if (!isDeepStrictEqual(evidence.admission.envelope, asked.admission.envelope))
    return refuse('its evidence has another admission than the ledger');
  const earlier = [first.intent, ...before.map((one) => one.intent)];
  if (!isDeepStrictEqual(extension.prior, earlier)) return refuse('it follows other intents than the ledger holds');
  checkMarker(intent, authorityKey === undefined ? [] : [authorityKey], where, findings);
  const spoken = [
    ...approvals,
    { digest: askedDigest(evidence.extension?.asked), person: { id: extension.statement.person } },
  ];
  for (const { digest, person } of spoken) {
    const heard = acts.find((act) => act.digest === digest);
    if (heard === undefined) findings.notVerified.push(`when ${person.id} spoke about the extension: no entry tells`);
    else if (heard.seq > seq)
      findings.fail(
        'order',
        'order_broken',
        placeOfSeq(heard.seq),
        `${person.id} spoke after the extension was issued`,
      );
  }
  const told = answerTo(intent, extension.before, entries, refuse);
  const { extended, verified } = told;
  findings.facts.extensions.push({
    round: intent.round,
    asked_by: extension.statement.person,
    asked_at: extension.statement.issued_at,
    approvals: approvals.map(({ person, method, statement }) => ({
      person: person.id,
      method,
      at: statement.issued_at,
    })),
    issued_at: intent.issued_at,
    deadline: intent.deadline,
    dead_man: intent.dead_man,
    extended_at: extended?.entry.at ?? null,
    verified_at: verified?.entry.at ?? null,
  });
  if (extended !== undefined && verified === undefined)
    findings.notVerified.push(
      intent.dead_man === null
        ? 'that it stood when it was extended: nobody but the effect has seen it'
        : `that the provider moved the end to ${intent.dead_man}: nobody else has seen it`,
    );
  return { seq, intent, extended };
}

const askedDigest = (asked: Parameters<typeof statementDigest>[0] | undefined): string =>
  asked === undefined ? '' : statementDigest(asked);

/** What the effect and the verifier said of it, each by the intent that it names. */
function answerTo(
  intent: Intent,
  before: Intent,
  entries: readonly ProvenEntry[],
  refuse: (message: string) => undefined,
): { extended: ProvenEntry | undefined; verified: ProvenEntry | undefined } {
  const digest = digestOf(intent);
  const of = (type: ProvenEntry['entry']['type']): ProvenEntry | undefined =>
    entries.find(({ entry }) => entry.type === type && entry.data.intent_digest === digest);
  const [extended, verified] = [of('extended'), of('verified')];
  // What the provider took too late moved nothing: the ceremony ended at the deadline before.
  const inTime = extended !== undefined && epochMs(extended.entry.at) < epochMs(before.deadline);
  if (extended !== undefined && !inTime && extended.entry.data.adopted !== true)
    refuse(`extended at ${extended.entry.at}, and the deadline before it was ${before.deadline}`);
  return { extended: inTime ? extended : undefined, verified };
}
