import { patched } from '@temporalio/workflow';
import type { CeremonyState } from '../domain/ceremony-state.js';
import { REDUCING_ACTS, type SignedStatement } from '../domain/statement.js';
import type { PendingStatement } from './protocol.js';

/** The removal that a statement may have ordered, under the key of the first removal that the machine would want. */
export interface OrderedRemoval {
  do: 'rollback_on_order';
  key: 'rollback/1';
  order: SignedStatement;
}

/** Ceremonies that heard what ends them before there was this go on as they began. */
const PATCH = 'removal-on-order';

/**
 * What may be begun while a statement is still under check: the removal that it would lead to. The effect judges the order
 * for itself, so a forged one calls nobody. Where the check says yes, the machine wants the same key and finds it under
 * way; where it says no, nobody wants it any more. Each order is tried once.
 */
export class OrderedRemovals {
  private tried: SignedStatement | undefined;

  /** Of the statements under check the first that could end the grant that stands, if one could. */
  wanted({ phase, signed, admission }: CeremonyState, underCheck: readonly PendingStatement[]): OrderedRemoval[] {
    if (signed === null || admission === null || (phase !== 'active' && phase !== 'active_unverified')) return [];
    const first = underCheck.find(({ signal }) => REDUCING_ACTS.has(signal));
    if (first === undefined || first.envelope === this.tried || !patched(PATCH)) return [];
    return [{ do: 'rollback_on_order', key: 'rollback/1', order: first.envelope }];
  }

  /** The order led to nothing: the machine decides, and begins the removal itself. */
  giveUp(order: SignedStatement): void {
    this.tried = order;
  }
}
