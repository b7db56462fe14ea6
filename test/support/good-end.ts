import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { verifyBundle } from '../../proofs/bundle-verify.js';
import type { BundleReport } from '../../proofs/bundle-report.js';
import { parseTrust } from '../../proofs/trust.js';
import type { Asked, CeremonyStack } from './ceremony-stack.js';
import type { Truth } from './graph-control.js';

/** What is left of a ceremony when all is said: what stands, what was ever granted, and what its bundle proves. */
export interface Aftermath {
  standing: Truth['assignments'];
  /** Grants that took effect at the provider, answered or not. */
  grants: number;
  bundle: Pick<BundleReport, 'ok' | 'errors'>;
  facts: BundleReport['facts'];
}

/** Waits for the bundle, verifies it offline, and asks the simulator what really happened. */
export async function aftermath(stack: CeremonyStack, asked: Asked, withinMs = 30_000): Promise<Aftermath> {
  const report = await verifiedBundle(stack, asked.event, withinMs);
  const truth = await stack.graph.truth(asked.tenant);
  return {
    standing: truth.assignments,
    grants: grantsIn(truth),
    bundle: { ok: report.ok, errors: report.errors },
    facts: report.facts,
  };
}

/** Grants that took effect, whether or not the caller ever heard of it. */
export const grantsIn = ({ calls }: Truth): number =>
  calls.filter(
    ({ action, validation_only, status, unanswered_status }) =>
      action === 'adminAssign' && !validation_only && (unanswered_status ?? status) === 201,
  ).length;

export async function verifiedBundle(stack: CeremonyStack, event: string, withinMs = 30_000): Promise<BundleReport> {
  const trust = parseTrust(await readFile(stack.stack.layout.trust));
  if (!trust.ok) throw new Error(trust.message);
  const giveUpAt = Date.now() + withinMs;
  for (;;) {
    const answer = await fetch(`${stack.stack.dev.gateway_url}/v1/events/${event}/bundle`);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (answer.ok) return verifyBundle(bytes, trust.trust);
    if (Date.now() > giveUpAt) throw new Error(`no bundle of ${event}: ${Buffer.from(bytes).toString()}`);
    await sleep(200);
  }
}
