/** What a `reseal` command's exit status says. Stable: scripts and runbooks depend on it. */
export const EXIT = {
  done: 0,
  internal: 1,
  usage: 2,
  refused: 3,
  denied: 4,
  expired: 5,
  unreachable: 6,
  unverified: 7,
  /** Privilege may still stand: the rollback is not confirmed yet. */
  rollback_unconfirmed: 8,
} as const;
export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];
