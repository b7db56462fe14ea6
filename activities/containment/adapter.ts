import type { LeftBecause } from '../../domain/incidents/containment.js';

/** What a target says of itself. */
export interface Seen {
  state: 'contained' | 'released';
  /** Changes with every change of the state, where the target has such a thing. */
  revision: string | null;
}

/** For whom a call is made. */
export interface Cause {
  incident_id: string;
  host: string;
}

/**
 * One kind of target. Every call has a time limit of its own, and fails with {@link TargetFailure} alone. What a target
 * answers is its own word, bounded and compared with configured words, never believed further.
 */
export interface Adapter {
  observe(): Promise<Seen>;
  /** May be called for a target that is contained already. That it returned says nothing: `observe` does. */
  contain(cause: Cause): Promise<void>;
  release(cause: Cause): Promise<void>;
  /** Why a release calls nothing here, where what was taken is not to be given back by it. */
  readonly leaves?: LeftBecause;
}

/** Why a target could not be asked or changed. None is final: all may be otherwise on the next attempt. */
export type TargetFailureCode =
  | 'unreachable'
  | 'timed_out'
  | 'token_unreadable'
  | 'unauthorized'
  | 'redirected'
  | 'http_status'
  | 'answer_too_long'
  | 'answer_malformed'
  | 'command_not_started'
  | 'command_failed'
  | 'not_found'
  | 'protected_target'
  | 'not_supported'
  | 'not_contained_yet'
  | 'not_released_yet';

/** `detail` is for operators: no token, and nothing that a target answered but a status, a state's word or a code. */
export class TargetFailure extends Error {
  override readonly name = 'TargetFailure';
  constructor(
    readonly code: TargetFailureCode,
    readonly detail: string,
  ) {
    super(`${code}: ${detail}`);
  }
}

/** One of the two configured words, or a failure that shows no more of the answer than its beginning, if that is printable. */
export function stateOf(word: unknown, words: { contained: string; released: string }): Seen['state'] {
  if (word === words.contained) return 'contained';
  if (word === words.released) return 'released';
  const shown = typeof word === 'string' && /^[\x21-\x7e]{1,64}$/.test(word) ? `"${word}"` : 'something else';
  throw new TargetFailure('answer_malformed', `expected "${words.contained}" or "${words.released}", got ${shown}`);
}
