import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ARTIFACT_KINDS, artifactKindSchema, type ArtifactKind } from '../../../domain/incidents/classes.js';
import { ResealError } from '../../api/reseal-error.js';
import { oneLine } from '../printable.js';
import type { Session } from '../session.js';
import { sayOfIncident, type IncidentSayOptions } from './incident-say.js';

/**
 * `reseal incident artifact INCIDENT --kind KIND FILE`: a signed statement that this file, by its SHA-256, is the authorised
 * baseline update or the verified manifest. The file itself is sent nowhere: it is for its signer to keep.
 */
export async function signArtifact(
  session: Session,
  named: string,
  file: string,
  { kind: given, ...options }: IncidentSayOptions & { kind?: string },
): Promise<number> {
  const kind = kindOf(given);
  const digest = await digestOfFile(resolve(session.io.cwd, file), file);
  return sayOfIncident(session, named, options, ({ view }, actor) => {
    if (!view.requirements.artifacts.includes(kind))
      session.warn(`the playbook asks for no ${kind} of ${view.id}: it is recorded, and nothing waits for it`);
    return {
      said: { act: 'artifact', kind, digest },
      question: `say as ${oneLine(actor.person.upn)} that ${oneLine(file)} (sha256 ${digest.slice(0, 16)}…) is the ${WORDS[kind]}?`,
    };
  });
}

const WORDS: Readonly<Record<ArtifactKind, string>> = {
  baseline_update: 'authorised update of the baseline',
  manifest: 'manifest, verified again',
};

function kindOf(text: string | undefined): ArtifactKind {
  const kind = artifactKindSchema.safeParse(text);
  if (kind.success) return kind.data;
  const what = text === undefined ? '--kind is missing' : `--kind: "${text}" is none`;
  throw new ResealError('usage', what, { hint: `it is one of ${ARTIFACT_KINDS.join(', ')}` });
}

/** Of any size: models are large, and so can their manifests be. */
async function digestOfFile(path: string, named: string): Promise<string> {
  const hash = createHash('sha256');
  const unreadable = (error: NodeJS.ErrnoException): never => {
    throw new ResealError('usage', `${named} cannot be read: ${error.code ?? 'unknown error'}`, { cause: error });
  };
  const handle = await open(path, 'r').catch(unreadable);
  try {
    if (!(await handle.stat()).isFile()) throw new ResealError('usage', `${named} is not a regular file`);
    for await (const part of handle.createReadStream({ autoClose: false })) hash.update(part as Buffer);
  } catch (error) {
    if (error instanceof ResealError) throw error;
    unreadable(error as NodeJS.ErrnoException);
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}
