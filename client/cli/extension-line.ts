import type { CeremonyView } from '../../domain/view.js';
import { oneLine } from './printable.js';

type Extension = NonNullable<CeremonyView['extension']>;

const STATES = {
  awaiting_approval: 'waits for approvals',
  issuing: 'is being issued',
  updating: 'is being told to the provider',
  verifying: 'is in force, and is being read back',
  done: 'is in force',
  refused: 'was not taken: the deadline stays',
} as const satisfies Record<Extension['state'], string>;

/** One line of it, for whoever looks at the ceremony. */
export function extensionLine({ extension }: CeremonyView, at: (time: string | null) => string | null): string | null {
  // A ceremony that was kept by an earlier version has none.
  if (extension === null || extension === undefined) return null;
  const { state, deadline, approvals, approvals_wanted, refusal } = extension;
  const counted = state === 'awaiting_approval' ? `, ${approvals.length} of ${approvals_wanted} approvals` : '';
  const why = refusal === null ? '' : ` (${oneLine(refusal.code)}: ${oneLine(refusal.message)})`;
  return `until ${at(deadline) ?? ''}: ${STATES[state]}${counted}${why}`;
}
