import type { GraphAnswer } from '../wire/graph-session.js';
import { KeepAttempt, type Kept } from '../grant/keep-attempt.js';
import { protectedTarget, toldPolicy } from './access-deps.js';
import { accessOf } from './access-intent.js';
import { readAccessPolicy } from './access-policy.js';

/** Lets an exclusion, or a policy that is off, stand until a later deadline of ours. */
export class KeptAccess extends KeepAttempt {
  protected untouchable() {
    return protectedTarget(this.deps, accessOf(this.intent).tuple);
  }

  protected async look(): Promise<GraphAnswer<Kept | null>> {
    const { tuple, toggle } = accessOf(this.intent);
    const read = await readAccessPolicy(this.graph, tuple.policy_id);
    if (!read.ok) return read.failure.kind === 'not_found' ? { ok: true, value: null } : read;
    if (!toggle.stands(read.value)) return { ok: true, value: null };
    const id = this.graph.clientRequestIds.at(-1) ?? '';
    return { ok: true, value: { id, status: 'Written', told: { policy: toldPolicy(read.value) } } };
  }
}
