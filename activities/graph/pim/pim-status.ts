/**
 * The status of a schedule request is an open set of words. `active` it has taken effect; `failed` it will not; `revoked`
 * a removal was carried out, or what it had granted is over; anything else, unknown words included, is `undecided`.
 */
export type StatusMeaning = 'active' | 'failed' | 'revoked' | 'undecided';

const FAILED: ReadonlySet<string> = new Set([
  'Failed',
  'FailedAsResourceIsLocked',
  'Denied',
  'AdminDenied',
  'Canceled',
  'Invalid',
  'TimedOut',
]);

export function meaningOf(status: string | null | undefined): StatusMeaning {
  if (status === 'Provisioned') return 'active';
  if (status === 'Revoked') return 'revoked';
  return status !== null && status !== undefined && FAILED.has(status) ? 'failed' : 'undecided';
}
