import type { Finding, Survey } from '../../../domain/outcomes.js';
import type { AccessPolicy } from './access-policy.js';
import type { AccessTarget } from './access-toggle.js';

const MAX_KEY = 200;
const MAX_FINDINGS = 16;

/** What a survey keeps of a policy, one key for each thing that another administrator could change. */
export const keysOf = ({ reach, rest_digest }: AccessPolicy): string[] =>
  [
    `state:${reach.state}`,
    `rest:${rest_digest}`,
    ...new Set(reach.exclude_users.map((id) => `excluded:${id.toLowerCase()}`)),
  ].map((key) => key.slice(0, MAX_KEY));

/**
 * What others changed of a policy since the survey, as findings. It is kept as it is, whatever it was. `ours` are the keys
 * that our own change brings and takes.
 */
export function changesSince(survey: Survey, policy: AccessPolicy, tuple: AccessTarget): Finding[] {
  const now = keysOf(policy);
  const isOurs = (key: string): boolean =>
    key === `excluded:${tuple.principal_id}` || key === 'state:disabled' || key === 'state:enabled';
  const added = now.filter((key) => !survey.holders.includes(key) && !isOurs(key));
  const removed = survey.holders.filter((key) => !now.includes(key) && !isOurs(key));
  const said = [
    ...added.filter((key) => !key.startsWith('rest:')).map((key) => `${wordOf(key)} since`),
    ...removed.filter((key) => key.startsWith('excluded:')).map((key) => `${wordOf(key)} no longer`),
    ...(added.some((key) => key.startsWith('rest:')) ? ['something else in it is not as it was'] : []),
  ];
  return said.slice(0, MAX_FINDINGS).map((what) => ({
    code: 'foreign_change',
    detail: `policy ${policy.id}, by somebody else: ${what}; it stays so`.slice(0, 500),
  }));
}

const wordOf = (key: string): string =>
  key.startsWith('excluded:') ? `${key.slice('excluded:'.length)} is left out` : `it is ${key.slice('state:'.length)}`;
