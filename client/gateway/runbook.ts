import type { Context } from 'hono';
import { z } from 'zod';
import { incidentIdSchema } from '../../domain/incidents/incident-id.js';
import { findPerson, isValidAt, type Person, type Roster } from '../../domain/roster.js';
import type { IncidentApi, IncidentRecord } from '../api/incident-api.js';
import { issuePath, issueText } from '../api/issue-text.js';
import { ResealError } from '../api/reseal-error.js';
import { bearerOf, mayOperate, type Bearer, type ReportRate, type TokenTable } from './runbook-tokens.js';

/** What the runbook's API needs of the gateway that serves it. */
export interface Runbook {
  api: IncidentApi;
  /** Read for each call, so that a token can be taken away at any time. */
  tokens: () => Promise<TokenTable['tokens']>;
  /** Who calls without a token. Only for a gateway that listens on this machine alone. */
  loopback?: Bearer;
  roster: () => Promise<Roster>;
  /** The host of reports that name none; the only target of the token when left out. */
  defaultHost?: string;
  /** What forensic bundles are signed with, and the digest that they name; none are made when left out. */
  forensic?: { key: () => Promise<string>; policyDigest: () => Promise<string> };
  rate: ReportRate;
  /** Epoch milliseconds; the system's clock. */
  now?: () => number;
  /** How long an answer is waited for, in milliseconds (60 s). */
  waitMs?: number;
}

export type ReadBody = (c: Context) => Promise<unknown>;

/** The caller. @throws {ResealError} `token_missing`, `token_unknown`. */
export const callerOf = async (c: Context, { tokens, loopback }: Runbook): Promise<Bearer> =>
  bearerOf(c.req.header('authorization'), await tokens(), loopback);

/**
 * The caller who may act, and the person they act as: on the roster, human, and valid now.
 *
 * @throws {ResealError} `token_missing`, `token_unknown`, `token_scope`.
 */
export async function operatorOf(c: Context, runbook: Runbook): Promise<{ bearer: Bearer; person: Person }> {
  const bearer = await callerOf(c, runbook);
  mayOperate(bearer);
  const person = findPerson(await runbook.roster(), bearer.person);
  const now = (runbook.now ?? Date.now)();
  if (person !== undefined && person.kind === 'human' && isValidAt(person, now)) return { bearer, person };
  throw new ResealError('token_scope', `the token ${bearer.name} belongs to nobody who may act now`, {
    hint: 'its person has to be on the roster, a human, and valid at this time',
  });
}

/** @throws {ResealError} `malformed`, naming the member, what was expected and what came. */
export function parsed<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const why = issue === undefined ? 'not understood' : issueText(issue, value);
  const field = issue === undefined ? '' : issuePath(issue).map(String).join('.');
  throw new ResealError(
    'malformed',
    `${what}: ${field === '' ? '' : `${field}: `}${why}`,
    field === '' ? {} : { field },
  );
}

/** @throws {ResealError} `malformed`. */
export const incidentIdIn = (text: unknown, field = 'id'): string =>
  parsed(z.object({ [field]: incidentIdSchema }), { [field]: text }, 'which incident')[field] ?? '';

const EVERY_MS = 200;

/**
 * The incident, asked again until `done` says something of it.
 *
 * @throws {ResealError} what `done` throws; `no_answer` when it takes longer than the gateway waits.
 */
export async function until<T>(
  { api, waitMs = 60_000 }: Pick<Runbook, 'api' | 'waitMs'>,
  id: string,
  done: (record: IncidentRecord) => T | undefined,
): Promise<T> {
  const end = performance.now() + waitMs;
  for (;;) {
    const record = await api.get(id);
    const said = done(record);
    if (said !== undefined) return said;
    if (performance.now() + EVERY_MS >= end) {
      const missing = record.view.missing;
      throw new ResealError('no_answer', `what was asked of ${id} was sent, and is not done yet`, {
        hint: `it goes on by itself: see /api/v1/incidents/get?id=${id}`,
        ...(missing.length === 0 ? {} : { missing }),
      });
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

const RECORDED_MS = 10_000;

/**
 * Waits until lists and counts show it as well, so that the next request sees what this one has done. They follow by
 * themselves: a register that is away holds no answer up.
 */
export async function untilRecorded(
  { api }: Pick<Runbook, 'api'>,
  id: string,
  shows: (view: IncidentRecord['view']) => boolean,
): Promise<void> {
  const end = performance.now() + RECORDED_MS;
  while (performance.now() < end) {
    const record = await api.recorded(id).catch(() => undefined);
    if (record === undefined || shows(record.view)) return;
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}
