import { setTimeout as sleep } from 'node:timers/promises';
import type { DecidableEvent } from '../../domain/decide.js';
import { objectOf } from '../../domain/effects/effects.js';
import { epochMs } from '../../domain/identifiers.js';
import type { Intent } from '../../domain/intent.js';
import type { CeremonyView } from '../../domain/view.js';
import { grantInForce } from '../../proofs/grant-in-force.js';
import type { DecideSources } from './decide-session.js';
import { witness } from './witness.js';

/** How long a grant that was just seen may take to get into the ledger, in milliseconds. */
const PATIENCE_MS = 3_000;
const POLL_MS = 200;

/**
 * A ceremony of which the register has a row: its workflow's word, and the ledger's proof, which goes before that word.
 * Whoever can write to the Temporal namespace can make a workflow say anything; what was granted, to whom and until when
 * is what the authority signed. Without trust roots, or where the register stops answering, the word is all there is.
 *
 * @throws {ResealError} `temporal_unreachable`, `config_invalid`.
 */
export async function provenEvent(
  from: Pick<DecideSources, 'reader' | 'now' | 'keys' | 'ledgerOf'>,
  row: CeremonyView,
): Promise<DecidableEvent> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    const told = await witness(from.reader, row, { nowMs: from.now() });
    // Who was admitted for what is the register's to say.
    const event = { ...told, profile: row.profile, principal_id: row.principal_id };
    if (from.keys === null || event.state !== 'active' || event.doubt !== null) return event;
    const entries = await from.ledgerOf(event.event_id);
    if (entries === null) return event;
    const proven = grantInForce(entries, event.event_id, await from.keys());
    if (proven.ok) return asSigned(event, proven.intent);
    // The ceremony is asked again too: it may be over by the time its grant is recorded.
    if (proven.code !== 'not_recorded' || performance.now() >= giveUpAt)
      return { ...event, doubt: { code: proven.code, message: `is not proven: ${proven.message}` } };
    await sleep(POLL_MS);
  }
}

function asSigned(event: DecidableEvent, { tuple, deadline, quorum }: Intent): DecidableEvent {
  const { tenant_id, principal_id } = tuple;
  const { id: object_id, scope: directory_scope_id } = objectOf(tuple);
  if (principal_id !== event.principal_id) {
    const message = 'is not proven: the authority signed it for another principal';
    return { ...event, doubt: { code: 'ledger_disagrees', message } };
  }
  const sooner = event.expires_at !== null && epochMs(event.expires_at) < epochMs(deadline);
  const expires_at = sooner ? event.expires_at : deadline;
  return { ...event, tenant_id, directory_scope_id, object_id, quorum, expires_at, proof: 'ledger' };
}
