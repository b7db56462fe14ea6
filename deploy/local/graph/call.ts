import type { ForcedStatus } from './model.js';
import type { Tenant } from './tenant.js';
import type { Caller } from './token.js';

/** One authenticated request, read whole: what every handler gets. */
export interface GraphCall {
  readonly tenant: Tenant;
  readonly caller: Caller;
  /** Tenant time, epoch milliseconds; the same for the whole request. */
  readonly now: number;
  readonly query: URLSearchParams;
  /** The JSON body; undefined where there was none. */
  readonly body: unknown;
  readonly takeStatus: () => ForcedStatus | null;
}
