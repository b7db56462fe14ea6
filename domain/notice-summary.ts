import { formatDuration } from './duration.js';
import type { Notice } from './notice-facts.js';
import type { CeremonyView } from './view.js';

/** One line for a person, without the justification. Names in it are other people's words: show it as plain text. */
export function summaryOf(
  notice: Notice,
  about: Pick<CeremonyView, 'profile' | 'role' | 'invoker' | 'principal'>,
): string {
  const invoker = about.invoker ?? 'somebody';
  const role = about.role ?? about.profile ?? 'a role';
  const whose = about.principal === null || about.principal === about.invoker ? role : `${role} for ${about.principal}`;
  switch (notice.type) {
    case 'breakglass.invoked':
      return `${invoker} broke the glass: ${whose} until ${clock(notice.facts.expires_at)}`;
    case 'breakglass.closed':
      return `${whose} is removed again: ${notice.facts.closed_reason}${by(notice.facts.closed_by ?? null)}`;
    case 'breakglass.expired':
      return `${whose} is removed again: its time was over`;
    case 'requested':
      return `${invoker} asks for ${whose} for ${formatDuration(notice.facts.duration_seconds)}: ${people(notice.facts.approvals_wanted)} must approve by ${clock(notice.facts.approve_by)}`;
    case 'escalated':
      return `${invoker} asks for ${whose}, and has been granted a lot lately`;
    case 'refused':
      return `${invoker} was refused ${whose}: ${notice.facts.code ?? 'refused'}`;
    case 'denied':
      return `the request of ${invoker} for ${whose} was denied${by(notice.facts.by)}`;
    case 'cancelled':
      return `the request of ${invoker} for ${whose} came to nothing: ${notice.facts.cause ?? 'cancelled'}${by(notice.facts.by)}`;
    case 'unapproved':
      return `nobody approved the request of ${invoker} for ${whose} in time`;
    case 'not_granted':
      return `the directory refused ${invoker} ${whose}`;
    case 'fallback_opened':
      return `${invoker} still waits for ${whose}: from now on ${people(notice.facts.min_approvers)} may approve it, for at most ${formatDuration(notice.facts.max_seconds)}`;
    case 'extension_requested':
      return `${invoker} asks to keep ${whose} until ${clock(notice.facts.extended_until)}: ${people(notice.facts.approvals_wanted)} must approve that by ${clock(notice.facts.approve_by)}`;
    case 'extended':
      return `${invoker} keeps ${whose} for longer: until ${clock(notice.facts.expires_at)}`;
    case 'extension_refused':
      return `${invoker} does not keep ${whose} for longer: ${notice.facts.code}`;
    case 'immediate':
      return `${invoker} has ${whose} with nobody's approval, until ${clock(notice.facts.expires_at)}`;
    case 'finding':
      return `found beside ${whose}: ${notice.facts.code}`;
    case 'unverified':
      return `${whose} is granted, and the second identity cannot see it`;
    case 'rollback_overdue':
      return `${whose} should be gone and is not confirmed to be: the removal is still tried`;
    case 'reappeared':
      return `${whose} showed up again after its removal, and is being removed again`;
    case 'workflow_lost':
      return `the workflow that held ${whose} was terminated or lost: it is being resealed`;
    case 'review_owed':
      return `${whose} was granted to ${invoker} without the full quorum: somebody else must review it by ${clock(notice.facts.review_by)}`;
    case 'review_overdue':
      return `nobody reviewed how ${invoker} had ${whose}: their next request takes one approver more`;
    case 'reviewed':
      return `${notice.facts.by} reviewed how ${invoker} had ${whose}`;
    case 'compromise':
      return `our application made an assignment that nobody approved, and it stands: ${notice.facts.code}, role ${notice.facts.role_template_id}, principal ${notice.facts.principal_id}`;
  }
}

const clock = (at: string): string => `${at.slice(0, 16).replace('T', ' ')}Z`;
const people = (count: number): string => (count === 1 ? '1 person' : `${count} people`);
const by = (person: string | null): string => (person === null ? '' : ` by ${person}`);
