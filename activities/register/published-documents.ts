import type { SignedKind } from '../../domain/signed-documents.js';
import { documentName, isDocumentName, type ContractRegistry } from '../../proofs/contract-registry.js';
import type { ContractRoots } from '../../proofs/contract-roots.js';
import { mergeSignatures } from '../../proofs/contract-signing.js';
import type { DsseEnvelope } from '../../proofs/dsse.js';
import { judgePublication, type Publication, type PublicationRefusal } from '../../proofs/publication.js';
import type { Database, Sql } from './database.js';

/** A document that the registry does not take; the message names no content. */
export class PublicationError extends Error {
  override readonly name = 'PublicationError';
  constructor(
    readonly code: PublicationRefusal,
    message: string,
  ) {
    super(message);
  }
}

/** How much is kept. Only signers of the roots get anything in, and none of them alone can fill the disk. */
export interface RegistryBounds {
  /** Documents of each kind. */
  documents: number;
  /** Characters of all envelopes together. */
  characters: number;
  /** Documents of one signer's that wait for others to sign. */
  waiting: number;
}
const BOUNDS: RegistryBounds = { documents: 5_000, characters: 512 * 1024 * 1024, waiting: 16 };

/** What a registry in the register is built from. */
export interface RegisterRegistryOptions {
  /** The contract roots as they are configured now; rejects where they cannot be read, and then nothing is taken. */
  roots: () => Promise<ContractRoots>;
  /** Epoch milliseconds. */
  now?: () => number;
  bounds?: RegistryBounds;
}

/**
 * The register's own table as a registry of signed documents. Anybody may read. What is put is judged by its signatures
 * alone: `put` rejects with {@link PublicationError} for what no signer of the roots signed, or what is too much, and with
 * DatabaseError where the register cannot be reached. Of two lists under one number the one that is signed in full counts,
 * so that no single signer can keep a number from the others.
 */
export function registerRegistry(database: Database, options: RegisterRegistryOptions): ContractRegistry {
  const { roots, now = Date.now, bounds = BOUNDS } = options;
  return {
    list: async (kind) => {
      const rows = await database.query<{ name: string }>(
        'SELECT DISTINCT name FROM register.published_documents WHERE kind = $1 ORDER BY name LIMIT $2',
        [kind, bounds.documents],
      );
      return rows.map(({ name }) => name);
    },
    fetch: async (kind, name) => {
      if (!isDocumentName(kind, name)) return undefined;
      const [row] = await database.query<{ envelope: string }>(
        `SELECT envelope FROM register.published_documents WHERE kind = $1 AND name = $2
         ORDER BY complete DESC, put_at DESC LIMIT 1`,
        [kind, name],
      );
      return row === undefined ? undefined : (JSON.parse(row.envelope) as unknown);
    },
    put: async (kind, envelope) => {
      const nowMs = now();
      const rules = { kind, roots: await roots(), nowMs, bounds };
      const name = nameOf(kind, envelope);
      const judged = judgePublication(kind, name, envelope, rules.roots, nowMs);
      if (!judged.ok) throw new PublicationError(judged.code, judged.message);
      await database.transaction((tx) => keep(tx, name, judged, rules));
      return name;
    },
  };
}

function nameOf(kind: SignedKind, envelope: DsseEnvelope): string {
  const name = documentName(kind, envelope);
  if (name === undefined) throw new PublicationError('publication_malformed', `not the envelope of a ${kind}`);
  return name;
}

interface Rules {
  kind: SignedKind;
  roots: ContractRoots;
  nowMs: number;
  bounds: RegistryBounds;
}

async function keep(tx: Sql, name: string, given: Publication, rules: Rules): Promise<void> {
  const { kind, roots, nowMs, bounds } = rules;
  // One at a time: what is counted must still be so when it is written.
  await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended('register/published', 0))`);
  const rows = await tx.query<{ digest: string; envelope: string; complete: boolean }>(
    'SELECT digest, envelope, complete FROM register.published_documents WHERE kind = $1 AND name = $2',
    [kind, name],
  );
  if (rows.some(({ digest, complete }) => complete && digest !== given.digest))
    throw new PublicationError('publication_taken', `another ${kind} ${name} was signed in full`);
  const same = rows.find(({ digest }) => digest === given.digest);
  const merged = same === undefined ? undefined : mergeSignatures(JSON.parse(same.envelope), given.envelope);
  // Signatures that were good when they came may be over by now: then the fresh ones stand alone.
  const whole = merged === undefined ? undefined : judgePublication(kind, name, merged, roots, nowMs);
  const kept = whole?.ok === true ? whole : given;
  if (same === undefined) await checkRoom(tx, kept, kind, bounds);
  await tx.query(
    `INSERT INTO register.published_documents (kind, name, digest, envelope, signers, complete, put_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (kind, name, digest) DO UPDATE SET envelope = $4, signers = $5, complete = $6, put_at = $7`,
    [
      kind,
      name,
      kept.digest,
      JSON.stringify(kept.envelope),
      kept.signers,
      kept.complete,
      new Date(nowMs).toISOString(),
    ],
  );
}

async function checkRoom(
  tx: Sql,
  { envelope, signers, complete }: Publication,
  kind: SignedKind,
  most: RegistryBounds,
) {
  const [all] = await tx.query<{ documents: number; characters: number; waiting: number }>(
    `SELECT (count(*) FILTER (WHERE kind = $1))::integer AS documents,
            coalesce(sum(length(envelope)), 0)::bigint AS characters,
            (count(*) FILTER (WHERE NOT complete AND signers && $2::text[]))::integer AS waiting
     FROM register.published_documents`,
    [kind, signers],
  );
  const { documents = 0, characters = 0, waiting = 0 } = all ?? {};
  const full = (what: string): PublicationError => new PublicationError('publication_full', what);
  if (documents >= most.documents) throw full(`${most.documents} documents of that kind are there already`);
  if (characters + envelope.payload.length > most.characters) throw full('the registry holds as much as it may');
  if (!complete && waiting >= most.waiting)
    throw full(`${most.waiting} documents that ${signers.join(', ')} signed wait for others to sign them`);
}
