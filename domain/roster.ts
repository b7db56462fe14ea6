import { z } from 'zod';
import { epochMs, guidSchema, instantSchema } from './identifiers.js';

/** One human or agent that may speak in a ceremony, under all the names it is known by. */
export const personSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected 1 to 64 of a-z 0-9 . _ -'),
  kind: z.enum(['human', 'agent']),
  object_ids: z.array(guidSchema).min(1),
  aliases: z.array(z.string().min(1).max(256).toLowerCase()).min(1),
  keys: z.array(z.string().max(4096)).default([]),
  groups: z.array(z.string().min(1).max(64)).default([]),
  valid_from: instantSchema.optional(),
  valid_until: instantSchema.optional(),
});
export type Person = z.output<typeof personSchema>;

/** `roster.yaml`: who may speak. An object id, alias or key belongs to one person only, or one human could count twice. */
export const rosterSchema = z
  .strictObject({ version: z.literal(1), people: z.array(personSchema).min(1).max(10_000) })
  .superRefine((roster, context) => {
    const owners = new Map<string, string>();
    for (const [index, person] of roster.people.entries()) {
      const names = [`id ${person.id}`, ...person.object_ids.map((id) => `object id ${id}`)];
      names.push(...person.aliases.map((alias) => `alias ${alias}`));
      names.push(...person.keys.map((key) => `key ${key.trim().split(/\s+/).slice(0, 2).join(' ')}`));
      for (const name of new Set(names)) {
        const owner = owners.get(name);
        if (owner === undefined) owners.set(name, person.id);
        else
          context.addIssue({ code: 'custom', path: ['people', index], message: `${name} belongs to ${owner} already` });
      }
    }
  });
export type Roster = z.output<typeof rosterSchema>;

/** The first alias: how a person is shown, and the user principal name asked of the directory. */
export const upnOf = (person: Person): string => person.aliases[0] ?? person.id;

/** Finds a person by id, alias (any case) or object id. */
export function findPerson(roster: Roster, name: string): Person | undefined {
  const wanted = name.toLowerCase();
  return roster.people.find(
    (person) => person.id === wanted || person.aliases.includes(wanted) || person.object_ids.includes(wanted),
  );
}

/** Whether the roster lets this person speak at `nowMs`. Judged when a statement is received and again when it is used. */
export function isValidAt(person: Pick<Person, 'valid_from' | 'valid_until'>, nowMs: number): boolean {
  if (person.valid_from !== undefined && nowMs < epochMs(person.valid_from)) return false;
  return person.valid_until === undefined || nowMs < epochMs(person.valid_until);
}
