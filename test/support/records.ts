import { setTimeout as sleep } from 'node:timers/promises';
import type { Entry, EntryPayload, EntryType } from '../../domain/entry.js';
import { ceremonyWorkflowId } from '../../domain/identifiers.js';
import type { CeremonyView } from '../../domain/view.js';
import type { CeremonyStack } from './ceremony-stack.js';

/** What the register's ledger says of a ceremony, oldest first. */
export async function ledgerOf(stack: CeremonyStack, event: string): Promise<EntryPayload[]> {
  const answer = await fetch(`${stack.stack.dev.gateway_url}/v1/events/${event}/ledger`);
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  const { entries } = (await answer.json()) as { entries: Entry[] };
  return entries.map(({ body }) => JSON.parse(Buffer.from(body.payload, 'base64').toString('utf8')) as EntryPayload);
}

/** The data of the ledger's entries of a type, once it holds as many as are expected: what is told first is appended after. */
export async function entriesOf(
  stack: CeremonyStack,
  event: string,
  type: EntryType,
  atLeast = 1,
): Promise<Record<string, unknown>[]> {
  const giveUpAt = Date.now() + 20_000;
  for (;;) {
    const found = (await ledgerOf(stack, event)).filter((entry) => entry.type === type);
    if (found.length >= atLeast || Date.now() > giveUpAt) return found.map(({ at, data }) => ({ at, ...data }));
    await sleep(200);
  }
}

/** Codes of the notices that the register keeps of a ceremony, once `awaited` is among them: they are kept after all is told. */
export async function noticesOf(stack: CeremonyStack, event: string, awaited: string): Promise<string[]> {
  const text = 'SELECT code FROM register.notices WHERE event_id = $1 ORDER BY id';
  const giveUpAt = Date.now() + 20_000;
  for (;;) {
    const codes = (await stack.stack.database.query<{ code: string }>(text, [event])).map(({ code }) => code);
    if (codes.includes(awaited) || Date.now() > giveUpAt) return codes;
    await sleep(200);
  }
}

/** Events that only the tests' own time skipping writes: options updated, time skipped. */
const OF_SKIPPING: ReadonlySet<number> = new Set([55, 60]);

/** How long the ceremony's history is, without what time skipping adds to it. */
export async function historyLength(stack: CeremonyStack, event: string): Promise<number> {
  const { events } = await stack.stack.client.workflow.getHandle(ceremonyWorkflowId(event)).fetchHistory();
  return (events ?? []).filter(({ eventType }) => !OF_SKIPPING.has(eventType ?? 0)).length;
}

/** The flags that anybody who lists workflows sees. */
export async function flagsInSearch(stack: CeremonyStack, event: string): Promise<string[]> {
  const { raw } = await stack.stack.client.workflow.getHandle(ceremonyWorkflowId(event)).describe();
  const payload = raw.workflowExecutionInfo?.searchAttributes?.indexedFields?.ResealFlags;
  return payload?.data ? (JSON.parse(Buffer.from(payload.data).toString('utf8')) as string[]) : [];
}

/**
 * Moves a ceremony's time on in small steps until it is as wanted: the waits between agreeing reads then take about a
 * second of real time each.
 */
export async function hurry(
  stack: CeremonyStack,
  event: string,
  holds: (view: CeremonyView) => boolean,
  { step = '15s', steps = 30 } = {},
): Promise<CeremonyView> {
  for (let index = 0; index < steps; index += 1) {
    const view = await stack.view(event);
    if (holds(view)) return view;
    if ((await stack.advance(event, step)) === 'ended') break;
  }
  return stack.until(event, holds, 20_000);
}

/** The times of a rollback that has come to its end, in the order in which they must lie. */
export const timesOf = ({ rollback, ended_at }: CeremonyView): number[] =>
  [rollback.requested_at, rollback.accepted_at, rollback.observed_at, rollback.confirmed_at, ended_at]
    .filter((at) => at !== null)
    .map((at) => Date.parse(at));

export const isOver = (view: CeremonyView): boolean => view.ended_at !== null;
