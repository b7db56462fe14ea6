import type { KeyObject } from 'node:crypto';

import type { EntryPayload, Receipt } from '../../domain/entry.js';
import type { DsseEnvelope } from '../../domain/intent.js';
import type { SweepReport } from '../../domain/sweep.js';
import type { Clock } from '../clock.js';
import type { KnownIntents } from './known-intents.js';
import type { GraphAccess } from '../graph/wire/graph-access.js';

/** The sweeper's signatures; a sweep from cron may do without. */
export interface SweepSigner {
  entry(payload: EntryPayload): Receipt;
  report(report: SweepReport): DsseEnvelope;
}

/** What it takes to sweep what carries no mark at the provider. */
export interface UnmarkedDeps {
  /** An identity of its own: with what takes such a change back, one could also make it. */
  readonly access: GraphAccess;
  readonly tenantIds: readonly string[];
  /** Which applications assign roles outside PIM, and edit Conditional Access policies. Lower case. */
  readonly assignmentWriterIds: ReadonlySet<string>;
  readonly accessWriterIds: ReadonlySet<string>;
}

/** All that a sweep needs: Graph, and the authority's public keys. No Temporal, no register, no policy. */
export interface SweepDeps {
  /** The sweeper's own identity. It reads and removes; it can give nobody anything. */
  readonly access: GraphAccess;
  /** This machine's clock. Deadlines are judged by Graph's. */
  readonly clock: Clock;
  readonly tenantIds: readonly string[];
  /** The authority's signed intents; left out, what carries no mark is not known. */
  readonly intents?: () => Promise<KnownIntents>;
  readonly unmarked?: UnmarkedDeps;
  /** The groups at whose memberships it looks besides those of the intents, in a tenant of `tenantIds`. Lower case. */
  readonly groupIds: (tenantId: string) => readonly string[];
  /** Which applications create Reseal's grants in a tenant, of roles and of memberships. Lower case. */
  readonly writerIds: (tenantId: string) => ReadonlySet<string>;
  /** Old keys included: an assignment must be recognised after a change of keys. */
  readonly authorityKeys: readonly KeyObject[];
  /** Object ids that no write may touch. Lower case. */
  readonly protectedIds: ReadonlySet<string>;
  readonly signer: SweepSigner | null;
  /** One structured line with a stable `code`; never a justification. */
  readonly log: (message: string, fields: Record<string, unknown>) => void;
  /** Waits; rejects when the signal is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}
