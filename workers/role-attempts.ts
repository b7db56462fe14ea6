import { AttemptsLedger } from '../activities/attempts/attempts-ledger.js';
import type { Log } from '../activities/register/holdings.js';
import type { SigningRole } from '../domain/roles.js';
import { eventIdSchema } from '../domain/identifiers.js';
import { keyOf, type RoleContext } from './role-context.js';

const ledgers = new WeakMap<RoleContext, Map<SigningRole, AttemptsLedger>>();

/** The ledger of what a played role refuses: one a role and process. */
export function attemptsOf(context: RoleContext, role: SigningRole): AttemptsLedger {
  const known = ledgers.get(context) ?? new Map<SigningRole, AttemptsLedger>();
  ledgers.set(context, known);
  const { clock, log, settings } = context;
  const directory = settings.attempts_dir ?? null;
  const ledger = known.get(role) ?? new AttemptsLedger({ role, key: keyOf(context, role), clock, directory, log });
  known.set(role, ledger);
  return ledger;
}

/**
 * The register's log. An append answers how much the ledger holds and says of items that it left out only here: those stand
 * in its ledger of attempts too.
 */
export function registerLog(context: RoleContext): Log {
  return (message, fields) => {
    context.log(message, fields);
    if (message !== 'receipt_refused') return;
    const event_id = eventIdSchema.safeParse(fields['event_id']).data ?? null;
    const code = typeof fields['code'] === 'string' ? fields['code'] : 'refused';
    const asked = { activity: 'append', workflow_id: '', workflow_type: '', input_digest: null };
    void attemptsOf(context, 'register').record({ ...asked, event_id, code });
  };
}
