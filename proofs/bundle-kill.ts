import { z } from 'zod';

import type { EndCause } from '../domain/ceremony-state.js';
import type { EntryType } from '../domain/entry.js';
import { triggerOf } from '../domain/kill-actions.js';
import { targetOf, type OnKill } from '../domain/on-kill.js';
import type { ProvenAuthority, ProvenEntry } from './bundle-authority.js';
import { placeOfSeq, type BundleFindings } from './bundle-report.js';

/** One thing that was done besides the removal, as the role that did it signed it. */
export interface ProvenKillAction {
  action: 'rotate' | 'disable_account' | 'report_granted' | 'halt_job';
  /** An object id, or the name of a runtime. */
  target: string;
  result: 'done' | 'refused';
  code: string | null;
  at: string;
}

const actedData = z.object({ result: z.enum(['done', 'refused']), code: z.string().nullable() });
const rotatedData = actedData.extend({ kind: z.string(), target_id: z.string(), sink: z.string() });
const listedData = z.object({ total: z.number().int() });
const haltedData = actedData.extend({ runtime: z.string() });
const HALTED = /^job_halted\/(\d{1,2})$/;
const ROTATION = /^rotate\/(\d{1,2})$/;

/**
 * What was done besides the removal: each is what the signed intent names for a kill, on that very target. What the intent
 * calls for and no role answers for is said to be unproven: an earlier bundle may simply be older than it.
 */
export function proveKill(
  { intent }: ProvenAuthority,
  entries: readonly ProvenEntry[],
  findings: BundleFindings,
): void {
  const on_kill = intent?.intent.on_kill;
  const principal = intent?.intent.tuple.principal_id ?? '';
  const done = new Set<string>();
  for (const proven of entries) {
    const read = READERS[proven.entry.type]?.(proven, on_kill, principal);
    if (read === undefined) continue;
    if (typeof read === 'string') findings.fail('kill', 'kill_action_unproven', placeOfSeq(proven.seq), read);
    else {
      done.add(read.key);
      findings.facts.kill_actions.push(read.action);
    }
  }
  if (on_kill !== undefined) noteMissing(on_kill, done, findings);
  findings.ran('kill', `${findings.facts.kill_actions.length} things done besides the removal`);
}

type Read = { key: string; action: ProvenKillAction } | string;
type Reader = (proven: ProvenEntry, on_kill: OnKill | undefined, principal: string) => Read;

const READERS: Readonly<Partial<Record<EntryType, Reader>>> = {
  credential_rotated: ({ entry }, on_kill) => {
    const data = rotatedData.safeParse(entry.data);
    const index = ROTATION.exec(entry.transition)?.[1];
    if (!data.success || index === undefined) return 'it does not say what was rotated';
    const { kind, target_id, sink, result, code } = data.data;
    const named = on_kill?.rotate[Number(index)];
    if (named?.kind !== kind || targetOf(named) !== target_id || named.sink !== sink)
      return 'the intent names no such rotation';
    return { key: `rotate/${index}`, action: { action: 'rotate', target: target_id, result, code, at: entry.at } };
  },
  account_disabled: ({ entry }, on_kill, principal) => {
    const data = actedData.safeParse(entry.data);
    if (!data.success) return 'it does not say what became of the account';
    if (on_kill?.disable_account !== true) return 'the intent disables no account';
    const { result, code } = data.data;
    const action = { action: 'disable_account', target: principal, result, code, at: entry.at } as const;
    return { key: 'disable_account', action };
  },
  granted_listed: ({ entry }, on_kill, principal) => {
    const data = listedData.safeParse(entry.data);
    if (!data.success) return 'it does not say how much was granted to others';
    if (on_kill?.report_granted !== true) return 'the intent asks for no such list';
    const code = data.data.total === 0 ? null : `granted_${data.data.total}`;
    const action = { action: 'report_granted', target: principal, result: 'done', code, at: entry.at } as const;
    return { key: 'report_granted', action };
  },
  job_halted: ({ entry }, on_kill) => {
    const data = haltedData.safeParse(entry.data);
    const index = HALTED.exec(entry.transition)?.[1];
    if (!data.success || index === undefined) return 'it does not say which runtime was told to halt jobs';
    const { runtime: target, result, code } = data.data;
    if (on_kill?.halt_job?.[Number(index)] !== target) return 'the intent names no such runtime';
    return { key: `halt_job/${index}`, action: { action: 'halt_job', target, result, code, at: entry.at } };
  },
};

function noteMissing(on_kill: OnKill, done: ReadonlySet<string>, { facts, notVerified }: BundleFindings): void {
  const trigger = facts.cause === null ? null : triggerOf(facts.cause as EndCause);
  if (trigger === null || !on_kill.triggers.includes(trigger)) return;
  const wanted: [string, string][] = [
    ...(on_kill.halt_job ?? []).map((runtime, index): [string, string] => [
      `halt_job/${index}`,
      `${runtime} was told to halt jobs`,
    ]),
    ...on_kill.rotate.map((rotation, index): [string, string] => [
      `rotate/${index}`,
      `${rotation.kind} of ${targetOf(rotation)} was rotated`,
    ]),
    ...(on_kill.disable_account
      ? [['disable_account', "the principal's account was disabled"] as [string, string]]
      : []),
    ...(on_kill.report_granted
      ? [['report_granted', 'what the principal granted to others was listed'] as [string, string]]
      : []),
  ];
  for (const [key, sentence] of wanted)
    if (!done.has(key)) notVerified.push(`that ${sentence}: the kill called for it, and no role answers for it here`);
}
