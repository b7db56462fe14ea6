import { z } from 'zod';
import { isNamed, partySchema } from '../parties.js';
import type { PersonFacts } from '../quorum.js';
import type { IncidentAct } from './statements.js';

const partiesSchema = z.array(partySchema).min(1, 'name who may: an empty list would be nobody').max(1000).optional();

/** Who may do what about an incident, `group:…` and `person:…`; whoever is on the roster where a list is left out. */
export const operatorsSchema = z.strictObject({
  /** Acknowledge it, and vouch for its artifacts; by a signed statement where this is given. */
  acknowledge: partiesSchema,
  /** Ask for its release; by a signed statement where this is given. */
  release: partiesSchema,
  /** Accept a newer baseline, or waive it. */
  waive: partiesSchema,
});
export type Operators = z.output<typeof operatorsSchema>;

const LIST_OF: Readonly<Record<IncidentAct, keyof Operators>> = {
  acknowledge: 'acknowledge',
  artifact: 'acknowledge',
  resolve: 'release',
  accept_baseline: 'waive',
  waive_baseline: 'waive',
};

/** Whether the playbook lets this person do this. */
export function isOperator(
  operators: Operators | undefined,
  act: IncidentAct,
  person: Pick<PersonFacts, 'id' | 'groups'>,
): boolean {
  const parties = operators?.[LIST_OF[act]];
  return parties === undefined || isNamed(parties, person);
}
