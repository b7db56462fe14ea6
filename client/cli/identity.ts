import { ResealError } from '../api/reseal-error.js';
import type { PersonName, ResealApi } from '../api/reseal-api.js';
import { identityNamed, type Identity } from '../config/identities.js';
import type { Signer } from '../keys/signer.js';
import { askFor } from './prompt.js';
import type { Session } from './session.js';
import { closest } from './suggest.js';

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
  const { identities, ...settings } = await session.settings();
  const known = identities.map(({ upn }) => upn);
  const as = settings.as ?? (await whoActs(session, identities));
  const keyPath = settings.keyPath ?? identityNamed(identities, as)?.keyPath;
  if (keyPath === undefined) {
    const others = known.length > 0 ? ` (there are keys here for ${known.join(', ')})` : '';
    throw new ResealError('usage', `no key for ${as}${others}${meant(as, known)}`, {
      hint: 'pass --key PATH or set RESEAL_KEY',
    });
  }
  const [person, signer] = await Promise.all([personOf(api, as), signerOf(keyPath, session)]);
  return { person, signer };
}

/** Asked on a terminal where several people have keys; with one there is nothing to ask. */
async function whoActs(session: Session, identities: readonly Identity[]): Promise<string> {
  const [only, ...others] = identities;
  if (only !== undefined && others.length === 0) return only.upn;
  if (only !== undefined && session.asks) {
    const choices = identities.map(({ upn }) => ({ value: upn }));
    return askFor(session, { flag: '--as', question: 'who acts', choices });
  }
  const hint =
    only === undefined
      ? '--as UPN --key PATH, or `as` and `key` in reseal.yaml'
      : identities.map(({ upn }) => `--as ${upn}`).join(', or ');
  throw new ResealError('usage', 'who acts?', { hint });
}

/** Names of one domain are all alike: what stands before the `@` is compared. */
function meant(as: string, known: readonly string[]): string {
  const short = (upn: string): string => upn.split('@')[0] ?? upn;
  const [near] = closest(short(as), known.map(short));
  const upn = known.find((name) => short(name) === near);
  return upn === undefined ? '' : `. Did you mean ${upn}?`;
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
