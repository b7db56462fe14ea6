import type { Receipt } from '../../domain/entry.js';
import { epochMs, instant } from '../../domain/identifiers.js';
import type { DsseEnvelope, Intent } from '../../domain/intent.js';
import type { Notice } from '../../domain/notice-facts.js';
import { countedIn, intentOfEntry } from '../../domain/notices-of-entry.js';
import { policySchema, termsOf } from '../../domain/policy.js';
import { upnOf } from '../../domain/roster.js';
import type { CeremonyView } from '../../domain/view.js';
import type { Sql } from './database.js';
import { payloadIn } from './entry-payload.js';
import type { RegisterHoldings } from './holdings.js';
import { keepNotices } from './notices.js';
import { admissionIn, approversOf, asking } from './request-notices.js';

/** The time in a ceremony, in epoch milliseconds, on a server that skips time; null where it is the clock's. */
export type TimeOf = (eventId: string) => Promise<number | null>;

const BATCH = 100;

/** Events whose fallback has opened and of which nobody was told yet. */
export async function openedFallbacks({ database }: RegisterHoldings, timeOf: TimeOf | null): Promise<string[]> {
  const rows = await database.query<{ event_id: string; opens_at: string; due: boolean }>(
    `SELECT event_id, opens_at, due_at <= clock_timestamp() AS due FROM register.fallbacks
      WHERE settled_at IS NULL AND (due_at <= clock_timestamp() OR $1) ORDER BY due_at LIMIT ${BATCH}`,
    [timeOf !== null],
  );
  const opened = await Promise.all(
    rows.map(async ({ event_id, opens_at, due }) => {
      if (due || timeOf === null) return due;
      const now = await timeOf(event_id).catch(() => null);
      return now !== null && now >= epochMs(opens_at);
    }),
  );
  return rows.filter((_, index) => opened[index]).map(({ event_id }) => event_id);
}

interface FallbackRow extends Record<string, unknown> {
  request_digest: string;
  opens_at: string;
  open: boolean;
  view: string;
  document: string;
  admission: string;
  journalled: string | null;
}

/**
 * Tells everybody who may approve and has said nothing yet, as far as the register knows; nobody, where the ceremony
 * needed no fallback after all. Who had approved before it opened
 * is in the ledger from that moment on; who approves in that moment may be told as well.
 */
export async function settleFallback(tx: Sql, holdings: RegisterHoldings, eventId: string): Promise<void> {
  const [row] = await tx.query<FallbackRow>(
    `SELECT fallbacks.opens_at, events.request_digest, events.open, events.view, policies.document, entries.body AS admission,
       (SELECT receipt FROM authority.intents WHERE intents.event_id = $1 AND round = 1) AS journalled
       FROM register.fallbacks JOIN register.events USING (event_id)
       JOIN register.policies ON policies.digest = events.policy_digest
       JOIN register.entries ON entries.event_id = events.event_id AND entries.seq = 1
      WHERE fallbacks.event_id = $1 AND settled_at IS NULL FOR UPDATE OF fallbacks`,
    [eventId],
  );
  if (row === undefined) return;
  await tx.query('UPDATE register.fallbacks SET settled_at = clock_timestamp() WHERE event_id = $1', [eventId]);
  const notice = await noticeOf(tx, holdings, eventId, row);
  if (notice !== null) await keepNotices(tx, holdings, eventId, [notice]);
}

async function noticeOf(
  tx: Sql,
  holdings: RegisterHoldings,
  eventId: string,
  row: FallbackRow,
): Promise<Notice | null> {
  const { request, extra_approvers } = admissionIn(row.admission);
  const { intent, approvers } = issuedBy(row.journalled);
  const terms = termsOf(policySchema.parse(JSON.parse(row.document)), request.profile);
  const fallback = terms?.approvals.fallback;
  if (terms === undefined || fallback === undefined || !row.open) return null;
  if (intent !== null && intent.quorum !== 'fallback') return null;
  const openedMs = epochMs(row.opens_at);
  const spoken = new Set([...(await spokenIn(tx, eventId)), ...approvers]);
  const skipped = approversOf(request, terms, holdings.roster(), openedMs, spoken);
  const { approval_by } = JSON.parse(row.view) as CeremonyView;
  const asked = { request_digest: row.request_digest, round: 1, extension_digest: null };
  const facts = {
    ...asking(skipped, asked, terms),
    skipped: skipped.map(upnOf),
    min_approvers: fallback.min_approvers + extra_approvers,
    max_seconds: Math.min(fallback.max, request.duration_seconds),
    approve_by: approval_by ?? instant(openedMs + (terms.approval_window - fallback.after) * 1000),
  };
  return { type: 'fallback_opened', transition: 'fallback_opened', at: row.opens_at, facts };
}

/** The journal's intent, and the people whose approvals it rests on. */
function issuedBy(receipt: string | null): { intent: Intent | null; approvers: string[] } {
  if (receipt === null) return { intent: null, approvers: [] };
  const entry = payloadIn((JSON.parse(receipt) as Receipt).envelope);
  return { intent: intentOfEntry(entry), approvers: countedIn(entry) };
}

/** People whose statements the ledger holds. */
async function spokenIn(tx: Sql, eventId: string): Promise<string[]> {
  const rows = await tx.query<{ body: string }>(
    `SELECT body FROM register.entries WHERE event_id = $1 AND type = 'statement'`,
    [eventId],
  );
  return rows.flatMap(({ body }) => {
    const { person } = payloadIn(JSON.parse(body) as DsseEnvelope).data;
    return typeof person === 'string' ? [person] : [];
  });
}
