import type { GraphAnswer } from '../wire/graph-session.js';
import { KeepAttempt, type Kept } from '../grant/keep-attempt.js';
import { assignmentIntent } from './assignment-intent.js';
import { readStanding } from './assignments.js';

/** Lets a plain assignment stand until a later deadline of ours. */
export class KeptAssignment extends KeepAttempt {
  protected untouchable() {
    if (!this.deps.protectedIds.has(this.intent.tuple.principal_id)) return undefined;
    return { code: 'protected_principal', message: 'the principal is protected: no ceremony may touch it' };
  }

  protected async look(): Promise<GraphAnswer<Kept | null>> {
    const read = await readStanding(this.graph, assignmentIntent(this.intent).tuple);
    if (!read.ok || read.value === null) return read.ok ? { ok: true, value: null } : read;
    const { id } = read.value;
    return { ok: true, value: { id, status: 'Assigned', told: { assignment_id: id } } };
  }
}
