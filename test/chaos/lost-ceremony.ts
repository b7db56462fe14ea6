import { resealWorkflowId } from '../../domain/identifiers.js';
import type { Asked, CeremonyStack } from '../support/ceremony-stack.js';

/** What is true of every ceremony that lost its workflow after its intent. */
export const resealed = (grants: number) => ({
  standing: [],
  grants,
  bundle: { ok: true, errors: [] },
  facts: { end: 'revoked', cause: 'workflow_lost' },
});

/** Approved, with the call that grants it on its way: it takes effect after 6 s, or at once with an answer that is late. */
export async function grantUnderWay(stack: CeremonyStack, after: boolean): Promise<Asked> {
  const asked = await stack.ask();
  const slow = { action: 'adminAssign', validation_only: false, effect: 'delay', delay_ms: 6_000, after };
  await stack.graph.fault({ tenant: asked.tenant, ...slow });
  await stack.approve(asked);
  await stack.graph.untilMet(asked.tenant);
  return asked;
}

/** Moves the reconciler's workflow on until it has ended. */
export async function advanceResealToEnd(stack: CeremonyStack, { event }: Asked): Promise<void> {
  for (let step = 0; step < 12; step += 1) {
    if ((await stack.advance(event, '5m', resealWorkflowId(event))) === 'ended') return;
    if ((await stack.view(event)).ended_at !== null) return;
  }
  throw new Error(`reseal/${event} did not end: ${JSON.stringify(await stack.view(event))}`);
}
