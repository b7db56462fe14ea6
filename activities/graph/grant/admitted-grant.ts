import { Context } from '@temporalio/activity';

import type { WarrantClaims } from '../../../domain/warrant.js';
import { waitFor } from '../wire/graph-error.js';

/** What the gate let an attempt in by. */
export interface AdmittedGrant {
  readonly warrant: WarrantClaims;
  /** The same, as the authority signed it. */
  readonly token: string;
  /** When the gate judged it, RFC 3339 UTC, by this role's clock. */
  readonly judged_at: string;
}

/** By attempt: each has a context of its own, which no argument of an activity can name. */
const admitted = new WeakMap<Context, AdmittedGrant>();

/** Says that this attempt may grant, under this warrant. Only the gate says so. */
export const admit = (grant: AdmittedGrant): void => void admitted.set(Context.current(), grant);

/** What this attempt was admitted by. Throws where no gate stands before the activity: without one nothing is granted. */
export function admittedGrant(): AdmittedGrant {
  const grant = admitted.get(Context.current());
  if (grant === undefined) throw waitFor('grant_not_admitted', 'no gate has admitted this attempt', 60_000);
  return grant;
}
