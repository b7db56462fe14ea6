import type { RoleKeys } from '../../proofs/receipt.js';
import type { RoleKey } from '../../proofs/role-key.js';
import type { Clock } from '../clock.js';
import type { InForce } from '../in-force.js';
import type { Database } from './database.js';

/** One structured line for whoever operates this. Carries codes and ids; never a justification, a secret or free text. */
export type Log = (message: string, fields: Record<string, unknown>) => void;

/** What the register role holds. */
export interface RegisterHoldings extends InForce {
  database: Database;
  key: Pick<RoleKey, 'keyid' | 'privateKey'>;
  clock: Clock;
  /** Whose entries the ledger takes. */
  roleKeys: RoleKeys;
  log: Log;
}
