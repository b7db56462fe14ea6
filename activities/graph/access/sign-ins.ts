import { z } from 'zod';

import { cutUnits } from '../../../domain/cut-text.js';
import { instant } from '../../../domain/identifiers.js';
import { sha256Hex } from '../../../proofs/canonical-json.js';
import type { GraphAnswer, GraphSession } from '../wire/graph-session.js';
import { quoted } from '../pim/pim-wire.js';

/** Sign-ins that are read, and those of them that are told one by one. */
const MAX_READ = 999;
const MAX_TOLD = 50;

const text = z.string().nullish();
/** signIn (Graph v1.0), as much of it as is told. */
const signInSchema = z.looseObject({
  id: z.string(),
  createdDateTime: z.string(),
  userId: text,
  appId: text,
  appDisplayName: text,
  conditionalAccessStatus: text,
  status: z.looseObject({ errorCode: z.number().nullish() }).nullish(),
  appliedConditionalAccessPolicies: z.array(z.looseObject({ id: text, result: text })).nullish(),
});
const pageSchema = z.object({ value: z.array(signInSchema), '@odata.nextLink': z.string().optional() });

/** Which sign-ins: of whom (null: everybody), in which window (epoch ms), and which policy's result is told of each. */
export interface SignInsAsked {
  readonly user_id: string | null;
  readonly from: number;
  readonly until: number;
  readonly policy_id: string;
}

/**
 * The sign-ins of a window, the newest first: up to 999 are hashed, 50 are told, without addresses or names of people. A row's
 * hash is over its JSON as Graph gave it, so that it can be found again in the log. The log is minutes late.
 */
export async function readSignIns(
  graph: GraphSession,
  asked: SignInsAsked,
): Promise<GraphAnswer<Record<string, unknown>>> {
  const { user_id, from, until, policy_id } = asked;
  const terms = [`createdDateTime ge ${instant(from)}`, `createdDateTime le ${instant(until)}`];
  if (user_id !== null) terms.push(`userId eq ${quoted(user_id)}`);
  const query = { $filter: terms.join(' and '), $top: String(MAX_READ), $orderby: 'createdDateTime desc' };
  const page = await graph.read('/auditLogs/signIns', pageSchema, query);
  if (!page.ok) return page;
  const rows = page.value.value.map((row) => ({ row, sha256: sha256Hex(JSON.stringify(row)) }));
  const told = rows.slice(0, MAX_TOLD).map(({ row, sha256 }) => ({
    id: cutUnits(row.id, 64),
    at: cutUnits(row.createdDateTime, 40),
    user_id: cutUnits(row.userId ?? '', 64),
    app: cutUnits(row.appDisplayName ?? row.appId ?? '', 100),
    error_code: row.status?.errorCode ?? null,
    conditional_access: cutUnits(row.conditionalAccessStatus ?? '', 40),
    policy_result: resultOf(row.appliedConditionalAccessPolicies ?? [], policy_id),
    sha256,
  }));
  const complete = page.value['@odata.nextLink'] === undefined;
  const whole = sha256Hex(rows.map(({ row, sha256 }) => `${row.id} ${sha256}\n`).join(''));
  const window = { from: instant(from), until: instant(until), of: user_id };
  return { ok: true, value: { ...window, count: rows.length, complete, sha256: whole, rows: told } };
}

const resultOf = (
  applied: readonly { id?: string | null | undefined; result?: string | null | undefined }[],
  id: string,
) => applied.find((one) => one.id?.toLowerCase() === id)?.result?.slice(0, 40) ?? null;
