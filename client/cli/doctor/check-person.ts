import { SignerError } from '../../keys/signer.js';
import { fileSigner } from '../../keys/file-signer.js';
import { fingerprintsOf } from '../../keys/fingerprints.js';
import { EXIT } from '../../api/exit-status.js';
import type { PersonName } from '../../api/reseal-api.js';
import { ResealError } from '../../api/reseal-error.js';
import type { Settings } from '../../config/settings.js';
import { fail, failed, ok, unasked, warn, type Finding } from './finding.js';

/** The roster's answer to who acts: a person, why there is none, or undefined when nobody said who acts. */
export type Known = PersonName | ResealError | undefined;

export function whoFinding(name: string, settings: Settings, known: Known): Finding {
  const { as, identities } = settings;
  if (as === undefined) {
    const names = identities.map(({ upn }) => `--as ${upn}`).join(', or ');
    const todo =
      names === ''
        ? 'to ask or approve: --as UPN --key PATH, or `as` and `key` in reseal.yaml'
        : `to ask or approve: ${names}`;
    return warn(name, 'nobody said who acts; reading needs nobody', todo);
  }
  if (known instanceof ResealError) {
    if (known.code === 'unknown_person') {
      return fail(
        name,
        `${as} is not on the roster`,
        'ask who keeps the roster, or look for a misspelling',
        EXIT.usage,
      );
    }
    return unasked(name, `${as}; nobody could be asked whether they are on the roster`);
  }
  return ok(name, known === undefined ? as : `${known.upn} (${known.id} on the roster)`);
}

/**
 * Whether the key can be used, and whether it is the person's on the roster. Nothing is signed. `holds` asks the roster
 * about a fingerprint; null where nobody could tell.
 */
export async function keyFinding(
  name: string,
  settings: Settings,
  agent: string | undefined,
  holds: (fingerprint: string) => Promise<boolean | null>,
): Promise<Finding> {
  const { as, keyPath } = settings;
  if (as === undefined) return unasked(name, 'nobody said who acts');
  if (keyPath === undefined) {
    return fail(name, `no key for ${as}`, 'pass --key PATH, or set RESEAL_KEY or `key` in reseal.yaml', EXIT.usage);
  }
  let print: string;
  try {
    [print = ''] = fingerprintsOf([(await fileSigner(keyPath, agent)).publicKey]);
  } catch (error) {
    if (!(error instanceof SignerError)) return failed(name, error);
    return fail(name, error.message, 'name another with --key, or load it into the ssh-agent', EXIT.usage);
  }
  const shown = `${keyPath} ${print}`;
  const held = await holds(print);
  if (held === true) return ok(name, `${shown}, on the roster`);
  if (held === null) {
    const todo = 'run this again when the roster can be asked';
    return warn(name, `${shown}: readable; nobody told whether it is on the roster`, todo);
  }
  const todo = 'have its public key added to the roster, or name the right one with --key';
  return fail(name, `${shown} is not among the keys of ${as} on the roster`, todo, EXIT.usage);
}
