import { ResealError } from '../api/reseal-error.js';
import type { PersonName, ResealApi } from '../api/reseal-api.js';
import type { Signer } from '../keys/signer.js';
import type { Session } from './session.js';

/** Who acts, and what they sign with. */
export interface Actor {
  person: PersonName;
  signer: Signer;
}

/**
 * Who acts, from `--as` and `--key` or the configuration.
 *
 * @throws {ResealError} `usage` when nobody said, `key_unusable`, `unknown_person`, and what the api throws.
 */
export async function actorOf(session: Session, api: ResealApi): Promise<Actor> {
  const { as, keyPath, dev } = await session.settings();
  const known = dev?.identities.map(({ upn }) => upn) ?? [];
  if (as === undefined) {
    const hint =
      known.length > 0 ? `--as ${known.join(', or --as ')}` : '--as UPN --key PATH, or `as` and `key` in reseal.yaml';
    throw new ResealError('usage', 'who acts?', { hint });
  }
  if (keyPath === undefined) {
    const others = known.length > 0 ? ` (the local stack has keys for ${known.join(', ')})` : '';
    throw new ResealError('usage', `no key for ${as}${others}`, { hint: 'pass --key PATH or set RESEAL_KEY' });
  }
  const [person, signer] = await Promise.all([personOf(api, as), signerOf(keyPath, session)]);
  return { person, signer };
}

async function personOf(api: ResealApi, as: string): Promise<PersonName> {
  try {
    return await api.person(as);
  } catch (error) {
    // Without gateway and roster a person may still kill: their id is all that a statement needs.
    const isId = /^[a-z0-9][a-z0-9._-]{0,63}$/.test(as);
    if (isId && error instanceof ResealError && error.code === 'needs_roster')
      return { id: as, upn: as, object_id: '' };
    throw error;
  }
}

async function signerOf(keyPath: string, session: Session): Promise<Signer> {
  const [{ fileSigner }, { SignerError }] = await Promise.all([
    import('../keys/file-signer.js'),
    import('../keys/signer.js'),
  ]);
  const unusable = (error: unknown): never => {
    if (error instanceof SignerError) throw new ResealError('key_unusable', error.message, { cause: error });
    throw error;
  };
  const signer = await fileSigner(keyPath, session.io.env['SSH_AUTH_SOCK']).catch(unusable);
  return {
    publicKey: signer.publicKey,
    sign: (message, namespace) => signer.sign(message, namespace).catch(unusable),
  };
}
