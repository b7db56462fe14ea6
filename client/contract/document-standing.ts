import { revocationsRefusal, type SignedVersion } from '../../domain/contract-standing.js';
import type { SignedKind } from '../../domain/signed-documents.js';
import { documentName } from '../../proofs/contract-registry.js';
import { openContract, openRevocations, openRoster } from '../../proofs/contract.js';
import type { ContractRoots } from '../../proofs/contract-roots.js';
import { contractStanding, rosterStanding, type Known } from '../../proofs/contracts-known.js';

/** One document of a registry, and how it stands. Times are RFC 3339 UTC; `code` is `in_force` or why it is not. */
export interface DocumentStanding {
  kind: SignedKind;
  name: string;
  series: string | null;
  /** Of a list of revocations its number. */
  version: number | null;
  valid_from: string | null;
  valid_until: string | null;
  /** Whose signatures count now, by name, though they may be too few. */
  signers: string[];
  threshold: number;
  code: string;
  message: string;
}

/** How a document stands at `nowMs`, given all that its registry shows. The envelope is anybody's: never throws. */
export function documentStanding(
  kind: SignedKind,
  name: string,
  envelope: unknown,
  context: { known: Known; roots: ContractRoots; nowMs: number },
): DocumentStanding {
  const { known, roots, nowMs } = context;
  // With a threshold of one, what still waits for signatures can be read, and by whom it was signed so far.
  const open = { contract: openContract, roster: openRoster, revocations: openRevocations }[kind];
  const read = open(envelope, { ...roots, threshold: 1 }, nowMs);
  const full = open(envelope, roots, nowMs);
  const nobody = { kind, name, series: null, version: null, valid_from: null, valid_until: null, signers: [] };
  const { threshold } = roots;
  if (documentName(kind, envelope) !== name)
    return {
      ...nobody,
      threshold,
      code: `${kind}_changed`,
      message: 'what is there under this name is something else',
    };
  if (!read.ok) return { ...nobody, threshold, code: read.code, message: read.message };
  const about = 'revocations' in read ? aboutList(read.revocations) : aboutVersion(read);
  const { code, message } = full.ok ? whyNot(kind, read, known, nowMs) : full;
  return { kind, name, ...about, signers: read.signers, threshold, code, message };
}

const IN_FORCE = { code: 'in_force', message: '' };

function whyNot(
  kind: SignedKind,
  read: SignedVersion | { revocations: { number: number } },
  known: Known,
  nowMs: number,
): { code: string; message: string } {
  if ('revocations' in read) {
    const newest = known.revocations?.number ?? 0;
    const { number } = read.revocations;
    if (number < newest) return { code: 'revocations_superseded', message: `list ${newest} is newer` };
    if (number > newest)
      return { code: 'revocations_unsigned', message: 'its signers are taken back by an earlier list' };
    return revocationsRefusal({ revocations: known.revocations, nowMs }) ?? IN_FORCE;
  }
  const at = { series: read.series, nowMs };
  const standing = kind === 'contract' ? contractStanding(known, at) : rosterStanding(known, at);
  return standing.whyNot(read.digest) ?? IN_FORCE;
}

const aboutVersion = ({ series, version, valid_from, valid_until }: SignedVersion) => ({
  series,
  version,
  valid_from,
  valid_until,
});

const aboutList = ({ number, issued_at, fresh_until }: { number: number; issued_at: string; fresh_until: string }) => ({
  series: null,
  version: number,
  valid_from: issued_at,
  valid_until: fresh_until,
});
