import { z } from 'zod';

/** Who a list names: `group:security` or `person:dave`. Whether an empty list means nobody or everybody is said where the list is. */
export const partySchema = z.string().regex(/^(group|person):[^\s:]{1,64}$/, 'expected group:<name> or person:<id>');

/** Whether a person is named by any of the parties, directly or through a group. An empty list names nobody. */
export function isNamed(parties: readonly string[], person: { id: string; groups: readonly string[] }): boolean {
  return parties.includes(`person:${person.id}`) || person.groups.some((group) => parties.includes(`group:${group}`));
}

/** All by which a person can be named in a list, made once where many lists are looked at. */
export const partiesOf = ({ id, groups }: { id: string; groups: readonly string[] }): ReadonlySet<string> =>
  new Set([`person:${id}`, ...groups.map((group) => `group:${group}`)]);
