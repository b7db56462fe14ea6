import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { declaredLines } from '../../../domain/contract-declared.js';
import type { SignedKind } from '../../../domain/signed-documents.js';
import { documentName } from '../../../proofs/contract-registry.js';
import { MAX_SIGNED_BYTES, openContract, openRevocations, openRoster, readPayload } from '../../../proofs/contract.js';
import { openShown } from '../../../proofs/contracts-known.js';
import { parseDsseEnvelope } from '../../../proofs/dsse.js';
import { parseStrictJson } from '../../../proofs/strict-json.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { readText } from '../../config/read-text.js';
import { documentStanding, type DocumentStanding } from '../../contract/document-standing.js';
import { fetchNamed, readRegistry } from '../../contract/registry-at.js';
import { contractPlace, contractRoots, kindsOf, type ContractOptions } from '../contract-place.js';
import { documentsText, documentText } from '../contract-text.js';
import { jsonText, structured, yamlText } from '../render.js';
import type { Session } from '../session.js';

export interface FetchOptions extends ContractOptions {
  envelope?: boolean;
  out?: string;
  force?: boolean;
  unverified?: boolean;
}

const OPENERS = { contract: openContract, roster: openRoster, revocations: openRevocations } as const;

/** `reseal contract fetch NAME`: the document as YAML, or JSON with `-o json`, once its signatures are verified. */
export async function fetchContract(session: Session, name: string, options: FetchOptions): Promise<number> {
  const { registry, roots } = await contractPlace(session, options);
  const { kind, envelope } = await fetchNamed(registry, name, kindsOf(options));
  const opened = OPENERS[kind](envelope, roots, session.now());
  if (!opened.ok) {
    if (options.unverified !== true)
      throw new ResealError('verification_failed', `${opened.code}: ${opened.message}`, {
        hint: '--unverified shows it all the same, to be read before it is signed',
      });
    session.warn(`not verified: ${opened.code}: ${opened.message}`);
  }
  const value = options.envelope === true ? envelope : payloadOf(kind, envelope);
  const asJson = options.envelope === true || session.output === 'json';
  const text = asJson ? `${jsonText(value, 2)}\n` : yamlText(await import('yaml'), value);
  if (options.out === undefined) session.data(text);
  else {
    await write(resolve(session.io.cwd, options.out), text, options.force === true);
    session.say(`wrote ${options.out}`);
  }
  if (opened.ok && 'policy' in opened) for (const line of declaredLines(opened.policy.contract)) session.say(line);
  return EXIT.done;
}

/** `reseal contract verify NAME|FILE`: how it stands, from its bytes, the roots and all that the registry shows. */
export async function verifyContract(session: Session, name: string, options: ContractOptions): Promise<number> {
  const standing = await standingOfNamed(session, name, options);
  session.data((await structured(session.output, standing)) ?? documentText(session, standing));
  if (standing.code === 'in_force') return EXIT.done;
  return /_(unsigned|changed|malformed)$/.test(standing.code) ? EXIT.unverified : EXIT.refused;
}

/** `reseal contract list`. */
export async function listContracts(session: Session, options: ContractOptions): Promise<number> {
  const { registry, roots } = await contractPlace(session, options);
  const nowMs = session.now();
  const { shown, known } = await readRegistry(registry, roots, nowMs);
  const documents = kindsOf(options).flatMap((kind) =>
    [...shown[kind]]
      .map(([name, envelope]) => documentStanding(kind, name, envelope, { known, roots, nowMs }))
      .sort((a, b) => (a.series ?? '').localeCompare(b.series ?? '') || (a.version ?? 0) - (b.version ?? 0)),
  );
  session.data((await structured(session.output, { documents })) ?? documentsText(session, documents));
  if (documents.length === 0) session.next('reseal contract publish FILE --key KEYFILE --key KEYFILE');
  return EXIT.done;
}

async function standingOfNamed(session: Session, name: string, options: ContractOptions): Promise<DocumentStanding> {
  const nowMs = session.now();
  const path = resolve(session.io.cwd, name);
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) {
    const { registry, roots } = await contractPlace(session, options);
    const { shown, known } = await readRegistry(registry, roots, nowMs);
    const kind = kindsOf(options).find((one) => shown[one].has(name));
    if (kind === undefined)
      throw new ResealError('not_found', `the registry has no ${kindsOf(options).join(' or ')} ${name}`, {
        hint: 'reseal contract list says what it has',
      });
    return documentStanding(kind, name, shown[kind].get(name), { known, roots, nowMs });
  }
  const json = parseStrictJson(await readText(path), { maxBytes: 2 * MAX_SIGNED_BYTES });
  const envelope = json.ok ? json.value : undefined;
  const [found] = kindsOf(options).flatMap((kind) => {
    const digest = documentName(kind, envelope);
    return digest === undefined ? [] : [{ kind, digest }];
  });
  if (found === undefined)
    throw new ResealError('verification_failed', `${name} is no signed ${kindsOf(options).join(' or ')}`, {
      hint: 'reseal contract fetch DIGEST --envelope --out FILE writes one',
    });
  const { kind, digest } = found;
  const configured = options.registry ?? (await session.settings()).registry;
  if (configured === undefined) {
    const roots = await contractRoots(session, options);
    session.warn('no registry: what is newer or revoked is not known here; pass --registry to ask');
    const alone = { contracts: [], rosters: [], revocations: [], [PLURALS[kind]]: [envelope] };
    return documentStanding(kind, digest, envelope, { known: openShown(alone, roots, nowMs), roots, nowMs });
  }
  const { registry, roots } = await contractPlace(session, options);
  const { shown } = await readRegistry(registry, roots, nowMs);
  shown[kind].set(digest, envelope);
  const known = openShown(
    { contracts: shown.contract, rosters: shown.roster, revocations: shown.revocations },
    roots,
    nowMs,
  );
  return documentStanding(kind, digest, envelope, { known, roots, nowMs });
}

const PLURALS = { contract: 'contracts', roster: 'rosters', revocations: 'revocations' } as const;

/** @throws {ResealError} `verification_failed` when this version cannot read it. */
export function payloadOf(kind: SignedKind, envelope: unknown): unknown {
  const parsed = parseDsseEnvelope(envelope, MAX_SIGNED_BYTES);
  const read = parsed.ok ? readPayload(kind, parsed.payload) : { ok: false as const, message: parsed.reason };
  if (read.ok) return read.value;
  throw new ResealError('verification_failed', `${kind}_malformed: ${read.message}`);
}

async function write(path: string, text: string, force: boolean): Promise<void> {
  const file = await open(path, force ? 'w' : 'wx', 0o644).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw new ResealError('usage', `${path} exists`, { hint: '--force overwrites it' });
    throw new ResealError('usage', `${path} cannot be written: ${error.code ?? 'unknown error'}`, { cause: error });
  });
  await file.writeFile(text, 'utf8').finally(() => file.close());
}
