import { Context } from '@temporalio/activity';

import type { WarrantClaims } from '../../domain/warrant.js';
import { waitFor } from './graph-error.js';

/** By attempt: each has a context of its own, which no argument of an activity can name. */
const admitted = new WeakMap<Context, WarrantClaims>();

/** Says that this attempt may grant, under this warrant. Only the gate says so. */
export const admit = (warrant: WarrantClaims): void => void admitted.set(Context.current(), warrant);

/** The warrant of this attempt. Throws where no gate stands before the activity: without one nothing is granted. */
export function admittedWarrant(): WarrantClaims {
  const warrant = admitted.get(Context.current());
  if (warrant === undefined) throw waitFor('grant_not_admitted', 'no gate has admitted this attempt', 60_000);
  return warrant;
}
