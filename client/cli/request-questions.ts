import { nameOf } from '../../domain/effects/effects.js';
import { formatDuration, parseDuration } from '../../domain/duration.js';
import type { PolicyInForce } from '../../domain/policy-in-force.js';
import { MIN_TIMEBOX_SECONDS, termsOf, type Policy, type Terms } from '../../domain/policy.js';
import { justificationSchema, REASON_CODES } from '../../domain/request.js';
import { ResealError } from '../api/reseal-error.js';
import { parseFlagDuration } from './await-ceremony.js';
import type { OpenOptions } from './options.js';
import { oneLine } from './printable.js';
import { askFor, type Choice } from './prompt.js';
import type { Session } from './session.js';
import { didYouMean } from './suggest.js';
import { spanText } from './times.js';

/** What a person says of a request; all else comes from the policy and the roster. */
export interface Said {
  profile: string;
  terms: Terms;
  /** Names the policy that the terms are of: hex SHA-256. */
  digest: string;
  reasonCode: string;
  justification: string;
  durationSeconds: number;
  principal: string | undefined;
  ticket: string | undefined;
  eventId: string | undefined;
  /** Empty where none were named. */
  prerequisites: { system: string; approval_id: string }[];
}

/**
 * What the flags say, completed by asking on a terminal, and checked before anything is signed.
 *
 * @throws {ResealError} `usage` naming the flag, `refused` for a profile that the policy does not have.
 * @throws {Interrupted} at Ctrl-C.
 */
export async function sayRequest(
  session: Session,
  options: OpenOptions,
  policyInForce: () => Promise<PolicyInForce>,
): Promise<Said> {
  const { principal, ticket, eventId } = options;
  const { policy, digest } = await policyInForce();
  const profile =
    options.profile ??
    (await askFor(session, { flag: '--profile', question: 'profile', choices: profileChoices(policy) }));
  const terms = termsNamed(policy, profile);
  const reasonCode =
    options.reasonCode ??
    (await askFor(session, { flag: '--reason-code', question: 'reason code', choices: REASON_CHOICES }));
  const justification = await justificationOf(session, options.justification);
  const asking = [options.profile, options.reasonCode, options.justification].includes(undefined);
  const durationSeconds = await durationOf(session, options.duration, terms, asking);
  const prerequisites = prerequisitesOf(options.prerequisite ?? []);
  return {
    profile,
    terms,
    digest,
    reasonCode,
    justification,
    durationSeconds,
    principal,
    ticket,
    eventId,
    prerequisites,
  };
}

/** `entra_pim=GUID`: the id of an approval that an outside control plane gave. */
function prerequisitesOf(said: readonly string[]): Said['prerequisites'] {
  return said.map((text) => {
    const at = text.indexOf('=');
    if (at > 0) return { system: text.slice(0, at), approval_id: text.slice(at + 1) };
    throw new ResealError('usage', `--prerequisite is SYSTEM=ID, such as entra_pim=GUID, not "${text}"`);
  });
}

/**
 * What can be told of the flags before anybody is called: what is missing where nobody can be asked, and what is wrong.
 *
 * @throws {ResealError} `usage`, naming the flag.
 */
export async function checkFlags(session: Session, options: OpenOptions): Promise<void> {
  if (options.profile === undefined && !session.asks) await askFor(session, { flag: '--profile', question: 'profile' });
  checkReasonCode(options.reasonCode);
  if (options.duration !== undefined) parseFlagDuration('--duration', options.duration);
}

const REASON_CHOICES: readonly Choice[] = [
  { value: 'incident', about: 'something is broken or under attack now' },
  { value: 'maintenance', about: 'planned work that needs the role' },
  { value: 'security', about: 'an investigation or a containment' },
  { value: 'recovery', about: 'bringing something back' },
  { value: 'other', about: 'say what in the justification' },
] satisfies { value: (typeof REASON_CODES)[number]; about: string }[];

function checkReasonCode(code: string | undefined): void {
  if (code === undefined || (REASON_CODES as readonly string[]).includes(code)) return;
  throw new ResealError('usage', `--reason-code: "${code}" is no reason code.${didYouMean(code, REASON_CODES)}`, {
    hint: `it is one of ${REASON_CODES.join(', ')}`,
  });
}

function profileChoices(policy: Policy): Choice[] {
  return Object.keys(policy.profiles).map((value) => {
    const terms = termsOf(policy, value);
    return terms === undefined ? { value } : { value, about: termsText(terms) };
  });
}

/** `Security Administrator, 30 min, 2 approvals`. */
function termsText({ effect, timebox, approvals: { min_approvers: min } }: Terms): string {
  const wanted = min === 1 ? '1 approval' : `${min} approvals`;
  return `${oneLine(nameOf(effect))}, ${spanText(timebox.default)}, ${wanted}`;
}

function termsNamed(policy: Policy, profile: string): Terms {
  const terms = termsOf(policy, profile);
  if (terms !== undefined) return terms;
  const known = Object.keys(policy.profiles);
  throw new ResealError('refused', `the policy has no profile "${profile}".${didYouMean(profile, known)}`, {
    hint: `it has ${known.join(', ')}`,
  });
}

async function justificationOf(session: Session, given: string | undefined): Promise<string> {
  const flag = '--justification';
  const text = given?.trim();
  if (text === undefined) {
    const question = 'why? Approvers and auditors read it, 20 to 1,000 characters';
    return askFor(session, { flag, question, objection: justificationObjection });
  }
  const wrong = justificationObjection(text);
  if (wrong === undefined) return text;
  throw new ResealError('usage', `${flag}: ${wrong}`);
}

function justificationObjection(text: string): string | undefined {
  const parsed = justificationSchema.safeParse(text);
  if (parsed.success) return undefined;
  const length = [...text].length;
  if (length < 20 || length > 1000) return `it has ${length} characters, and 20 to 1,000 are wanted`;
  return parsed.error.issues[0]?.message ?? 'it cannot be taken';
}

async function durationOf(session: Session, given: string | undefined, terms: Terms, asking: boolean): Promise<number> {
  const { default: usual, max } = terms.timebox;
  if (given !== undefined) return parseFlagDuration('--duration', given) / 1000;
  // It has a default: asked only where something else had to be asked too.
  if (!asking || !session.asks) return usual;
  const fallback = formatDuration(usual);
  const objection = (answer: string): string | undefined => {
    const seconds = parseDuration(answer);
    if (seconds === undefined) return `"${oneLine(answer)}" is not a duration such as 30m or 1h30m`;
    if (seconds < MIN_TIMEBOX_SECONDS) return 'at least 10m: Graph refuses removals in the first five minutes';
    return seconds > max ? `at most ${spanText(max)}` : undefined;
  };
  const question = `for how long, at most ${spanText(max)}`;
  return (
    parseFlagDuration('--duration', await askFor(session, { flag: '--duration', question, fallback, objection })) / 1000
  );
}
