import { Context } from '@temporalio/activity';

import { canonicalJson, sha256Hex } from '../../../proofs/canonical-json.js';

/** One call of Graph as a receipt tells it. Digests are lower-case hex SHA-256 of RFC 8785 forms; `at` is RFC 3339 UTC. */
export interface GraphCall {
  readonly at: string;
  readonly method: string;
  /** The resource, without host and version, cut to 200 characters; the query is in the digest alone. */
  readonly path: string;
  /** HTTP status, null where no answer came. */
  readonly status: number | null;
  /** Of `{method, path, query, body}`, `body` being null where none was sent. */
  readonly request_digest: string;
  /** Of the answer's JSON; null where there was none that could be read. */
  readonly response_digest: string | null;
  readonly client_request_id: string;
  /** The service's own `request-id` header, by which its support finds the call; null where none came. */
  readonly graph_request_id: string | null;
}

/** What one receipt tells at most; the last ones. */
const MOST = 24;
const LONGEST_PATH = 200;

/** What was asked, as it is told and digested. */
export function askedOf(asked: {
  method: string;
  path: string;
  query: Readonly<Record<string, string>>;
  body?: object;
}) {
  const { path, query, body = null } = asked;
  const method = asked.method.toUpperCase();
  const request_digest = digestOrNull({ method, path, query: { ...query }, body }) ?? sha256Hex('');
  return { method, path: path.slice(0, LONGEST_PATH), request_digest };
}

/** The digest of an answer, which is whatever the service sent: never throws. */
export function digestOrNull(value: unknown): string | null {
  if (value === undefined) return null;
  try {
    return sha256Hex(canonicalJson(value));
  } catch {
    return null;
  }
}

/** By attempt: each has a context of its own, so a receipt that it signs tells its calls and nobody else's. */
const made = new WeakMap<Context, GraphCall[]>();

/** Where the calls of this attempt are noted; a list of nobody's outside an activity. */
export function callsOfAttempt(): GraphCall[] {
  const context = currentContext();
  if (context === undefined) return [];
  const calls = made.get(context) ?? [];
  made.set(context, calls);
  return calls;
}

/** What a receipt that is signed now says of the calls of its own attempt; earlier attempts are named by their request ids. */
export function callsTold(): { calls?: readonly GraphCall[] } {
  const context = currentContext();
  const calls = context === undefined ? undefined : made.get(context);
  return calls === undefined || calls.length === 0 ? {} : { calls: calls.slice(-MOST) };
}

function currentContext(): Context | undefined {
  try {
    return Context.current();
  } catch {
    return undefined;
  }
}
