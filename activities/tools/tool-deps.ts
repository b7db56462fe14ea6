import type { EffectKind } from '../../domain/effects/effects.js';
import type { EntryPayload, EntryType, Receipt } from '../../domain/entry.js';
import type { Role } from '../../domain/roles.js';
import type { ToolVerb } from '../../domain/tool-call.js';
import type { AuthorityKey } from '../../proofs/signed-intent.js';
import type { Clock } from '../clock.js';
import type { InForce } from '../in-force.js';
import type { AdmittedCall } from './admitted-call.js';
import type { UsedProofs } from './used-proofs.js';

/** What one call came to: its answer, and what the ledger is told besides. `data` has no secret in it. */
export type Answered =
  | { ok: true; result: Record<string, unknown>; data: Record<string, unknown> }
  | { ok: false; code: string; message: string };

/** Carries out one verb of an admitted call. A failure is tried again, or reported as unanswered. */
export type Verb = (call: AdmittedCall) => Promise<Answered>;

/** What a role needs to have tools. */
export interface ToolDeps {
  readonly role: Role;
  /** Whose changes a role that changes something makes; the verifier reads of all. */
  readonly kind?: EffectKind;
  readonly clock: Clock;
  /** Signs with the role's key. */
  readonly sign: (payload: EntryPayload) => Receipt;
  readonly authorityKey: AuthorityKey;
  readonly carrying: InForce['carrying'];
  readonly used: UsedProofs;
  /** What this role does; everything else it refuses. */
  readonly verbs: Readonly<Partial<Record<ToolVerb, Verb>>>;
  /** How the role's entries are called. */
  readonly entries: { readonly done: Readonly<Partial<Record<ToolVerb, EntryType>>>; readonly refused: EntryType };
}
