import type { EntryPayload } from '../../domain/entry.js';
import { extensionApprovers, LAST_EXTENSION_MS } from '../../domain/extension.js';
import { epochMs, instant } from '../../domain/identifiers.js';
import type { Intent } from '../../domain/intent.js';
import type { Notice } from '../../domain/notice-facts.js';
import { extensionOfEntry } from '../../domain/notices-of-entry.js';
import { policySchema, termsOf } from '../../domain/policy.js';
import { signedStatementSchema } from '../../domain/statement.js';
import { checkStatement } from '../../proofs/statement-check.js';
import type { Sql } from './database.js';
import type { RegisterHoldings } from './holdings.js';
import { entryOf } from './ledger-rows.js';
import { isTold } from './notices.js';
import { admissionIn, approversOf, asking } from './request-notices.js';

type Holdings = Pick<RegisterHoldings, 'policy' | 'roster' | 'clock'>;

/**
 * What fresh entries tell of extensions: that approvers are asked for one, and that one is in force. What a ceremony tells of
 * itself is anybody's word: approvers are asked only upon an `extend` that the invoker signed, about this very request.
 */
export async function extensionNotices(
  tx: Sql,
  holdings: Holdings,
  eventId: string,
  entries: readonly EntryPayload[],
): Promise<Notice[]> {
  const notices: Notice[] = [];
  for (const entry of entries) {
    const notice =
      entry.type === 'statement' && entry.data.act === 'extend'
        ? await asked(tx, holdings, eventId, entry)
        : entry.type === 'extended'
          ? await inForce(tx, holdings, entry, entries)
          : undefined;
    if (notice !== undefined) notices.push(notice);
  }
  return notices;
}

interface AskedRow extends Record<string, unknown> {
  request_digest: string;
  policy_digest: string;
  expires_at: string | null;
  open: boolean;
  document: string;
  admission: string;
}

async function asked(
  tx: Sql,
  holdings: Holdings,
  eventId: string,
  { at, data }: EntryPayload,
): Promise<Notice | undefined> {
  if (!isTold(holdings, 'extension_requested')) return undefined;
  const envelope = signedStatementSchema.safeParse(data.statement);
  const checked = envelope.success ? checkStatement(envelope.data, holdings.roster()) : undefined;
  if (checked?.ok !== true || checked.statement.act !== 'extend') return undefined;
  const [row] = await tx.query<AskedRow>(
    `SELECT events.request_digest, events.policy_digest, events.expires_at, events.open, policies.document,
       entries.body AS admission
       FROM register.events JOIN register.policies ON policies.digest = events.policy_digest
       JOIN register.entries ON entries.event_id = events.event_id AND entries.seq = 1
      WHERE events.event_id = $1`,
    [eventId],
  );
  if (row === undefined || !row.open) return undefined;
  const { statement, person, statement_digest: extension_digest } = checked;
  const { round, deadline } = statement;
  const { request, extra_approvers } = admissionIn(row.admission);
  const ofThis = statement.event_id === eventId && statement.request_digest === row.request_digest;
  if (!ofThis || person.id !== request.invoker.person || deadline === undefined) return undefined;
  const terms = termsOf(policySchema.parse(JSON.parse(row.document)), request.profile);
  if (terms === undefined) return undefined;
  const people = approversOf(request, terms, holdings.roster(), holdings.clock.now());
  const expires_at = row.expires_at ?? deadline;
  const facts = {
    ...asking(people, { request_digest: row.request_digest, round, extension_digest }, terms),
    round,
    extension_digest,
    expires_at,
    extended_until: deadline,
    approvals_wanted: extensionApprovers(terms, { extra_approvers }),
    approve_by: instant(epochMs(expires_at) - LAST_EXTENSION_MS),
  };
  const transition = `extension_requested/${round}/${extension_digest.slice(0, 32)}`;
  return { type: 'extension_requested', transition, at, facts };
}

async function inForce(
  tx: Sql,
  holdings: Holdings,
  entry: EntryPayload,
  entries: readonly EntryPayload[],
): Promise<Notice | undefined> {
  if (!isTold(holdings, 'extended')) return undefined;
  const intent = await intentExtended(tx, entry, entries);
  if (intent === null) return undefined;
  const { deadline: expires_at, round } = intent;
  return { type: 'extended', transition: `extended/${round}`, at: entry.at, facts: { expires_at, round } };
}

/** The intent of the round that an `extended` entry is of, among the entries beside it or in the ledger. */
export async function intentExtended(
  tx: Sql,
  { event_id, transition }: EntryPayload,
  entries: readonly EntryPayload[],
): Promise<Intent | null> {
  const round = /^extended\/([2-9])$/.exec(transition)?.[1];
  if (round === undefined) return null;
  const recorded = `extension/${round}`;
  const held =
    entries.find((entry) => entry.transition === recorded) ??
    (await entryOf(tx, event_id, recorded).catch(() => undefined));
  return held === undefined ? null : extensionOfEntry(held);
}
