/**
 * What the register knows of an invoker, a profile and a target when a request is judged. Times are RFC 3339 UTC and are
 * those at which the authority journalled an intent: what was asked for and never granted is not in them.
 */
export interface Usage {
  /** The open event of the same invoker and profile. */
  open_of_pair: string | null;
  /** The open event for the same principal, role and scope, whoever asked. */
  open_of_target: string | null;
  /** The newest grant of the same invoker and profile, however long ago. */
  last_of_pair_at: string | null;
  /** The invoker's grants within `quota_window`, newest first; as many as the larger of `max_per_user` and `escalation_threshold`. */
  user_times: string[];
  /** The profile's grants within `quota_window`, newest first, at most `max_per_profile`. */
  profile_times: string[];
  /** Event ids of the invoker's whose review is overdue. */
  overdue_reviews: string[];
}

/** A register that has seen nothing yet. */
export const NO_USAGE: Usage = {
  open_of_pair: null,
  open_of_target: null,
  last_of_pair_at: null,
  user_times: [],
  profile_times: [],
  overdue_reviews: [],
};
