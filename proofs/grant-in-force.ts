import type { Entry, EntryPayload, EntryType } from '../domain/entry.js';
import { signedIntentSchema, type Intent } from '../domain/intent.js';
import { digestOf } from './canonical-json.js';
import { readEntry, type RoleKeys } from './receipt.js';
import { verifyIntent } from './signed-intent.js';

/** What says that a grant is over, or on its way out. */
const ENDING: ReadonlySet<EntryType> = new Set([
  'end_mark',
  'not_granted',
  'resealing',
  'removal',
  'tool_removed',
  'sessions_ended',
  'reappeared',
  'confirmed',
  'ended',
]);

/** What a ledger proves of a grant: what the authority signed, or why nothing is proven. */
export type GrantInForce =
  { ok: true; intent: Intent } | { ok: false; code: 'not_recorded' | 'ledger_disagrees'; message: string };

/**
 * Whether a ceremony's ledger proves that its grant stands: the authority signed the intent, the verifier has seen the
 * grant with its own identity, and no role has said that it ends. A ledger may lag behind its ceremony: that nothing has
 * ended it since is for the ceremony to say. Order and chain are not looked at: no verdict here rests on them.
 *
 * `entries` come from a database: attacker-controlled, never throws.
 */
export function grantInForce(entries: readonly Entry[], eventId: string, keys: RoleKeys): GrantInForce {
  const disagrees = (message: string): GrantInForce => ({ ok: false, code: 'ledger_disagrees', message });
  const said: EntryPayload[] = [];
  for (const { seq, body } of entries) {
    const read = readEntry(body, eventId, keys);
    if (!read.ok) return disagrees(`entry ${seq} does not verify: ${read.code}`);
    if (ENDING.has(read.entry.type)) return disagrees(`entry ${seq} says ${read.entry.type}`);
    said.push(read.entry);
  }
  const intents = said.filter(({ type }) => type === 'intent');
  const recorded = intents[0];
  if (recorded === undefined || !said.some(({ type }) => type === 'verified'))
    return { ok: false, code: 'not_recorded', message: 'the ledger does not hold the grant yet: try again' };
  const signed = signedIntentSchema.safeParse(recorded.data.signed);
  if (intents.length > 1 || !signed.success) return disagrees('it holds no intent, or more than one');
  const verified = verifyIntent(signed.data, (keyid) => {
    const key = keys(keyid);
    return key?.role === 'authority' ? key.publicKey : undefined;
  });
  if (!verified.ok) return disagrees(`the intent: ${verified.message}`);
  if (verified.intent.event_id !== eventId) return disagrees('the intent is of another event');
  return { ok: true, intent: extendedIn(said, verified.intent, keys) };
}

/** The latest extension of it that the authority signed and the effect says the provider took; else the intent itself. */
function extendedIn(said: readonly EntryPayload[], first: Intent, keys: RoleKeys): Intent {
  const taken = new Set(said.filter(({ type }) => type === 'extended').map(({ data }) => data['intent_digest']));
  const extensions = said.flatMap(({ type, data }) => {
    const signed = type === 'extension' ? signedIntentSchema.safeParse(data['signed']) : undefined;
    if (signed?.success !== true) return [];
    const verified = verifyIntent(signed.data, (keyid) => {
      const key = keys(keyid);
      return key?.role === 'authority' ? key.publicKey : undefined;
    });
    const of = verified.ok && verified.intent.event_id === first.event_id;
    return of && taken.has(digestOf(verified.intent)) ? [verified.intent] : [];
  });
  return extensions.reduce((latest, one) => (one.round > latest.round ? one : latest), first);
}
