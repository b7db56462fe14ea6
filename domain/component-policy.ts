import { z } from 'zod';
import { eventTypeIn } from './event-types.js';
import { instantSchema } from './identifiers.js';

/** What one alternative says besides its value: what it stands for, and who took the responsibility for it. */
export const acceptedFields = {
  /** Such as "shim 15.8, kernel 6.1.0-28". */
  label: z.string().min(1).max(200),
  accepted_by: z.array(z.string().min(1).max(200)).min(1).max(16),
  accepted_at: instantSchema,
};

/** Hex in either case, kept in lower case. */
export const hexSchema = z
  .string()
  .regex(/^([0-9a-fA-F]{2})+$/, 'expected hex')
  .transform((text) => text.toLowerCase());

/** One state of a component: a digest that was extended for it, or that it was not there at all. */
const componentAlternativeSchema = z.union(
  [
    z.strictObject({ digest: hexSchema, ...acceptedFields }),
    z.strictObject({ absent: z.literal(true), ...acceptedFields }),
  ],
  'expected either digest, or absent: true, with label, accepted_by and accepted_at',
);
export type ComponentAlternative = z.output<typeof componentAlternativeSchema>;

const MAX_ALTERNATIVES = 64;
export const MAX_COMPONENTS = 512;

const eventTypeSchema = z.string().transform((text, context) => {
  const type = eventTypeIn(text);
  if (type === 'EV_NO_ACTION') context.addIssue('events of this type are never measured');
  else if (type !== undefined) return type;
  else context.addIssue('expected an event type such as EV_IPL, or 0x and eight hex digits');
  return z.NEVER;
});

/** One measured component: events of one type, and the digests that it may have been measured with. */
const componentSchema = z.strictObject({
  /** How people call it, such as "shim". Nothing is compared with it. */
  name: z.string().min(1).max(100).optional(),
  event_type: eventTypeSchema,
  allowed: z
    .array(componentAlternativeSchema)
    .min(1, 'an empty set allows nothing')
    .max(MAX_ALTERNATIVES)
    .superRefine((allowed, context) => {
      const seen = new Set<string>();
      for (const [at, one] of allowed.entries()) {
        const value = 'digest' in one ? one.digest : 'absent';
        if (seen.has(value)) context.addIssue({ code: 'custom', path: [at], message: 'the same stands here already' });
        seen.add(value);
      }
    }),
});
export type Component = z.output<typeof componentSchema>;

/** The components of one PCR, in the order in which they are measured into it. */
export const componentListSchema = z
  .array(componentSchema)
  .min(1, 'a PCR without components is judged by its value: put it under pcrs')
  .max(MAX_COMPONENTS);

/** One event that was extended into a PCR: its type, as in a policy, and its digest in lower-case hex. */
export interface MeasuredEvent {
  event_type: string;
  digest: string;
}

/**
 * What a list of components holds against the events of one PCR, in words; undefined when it allows them: each event is, in
 * this order, what the next component may be, and every component that must be there is. The allowed values of the PCR are
 * thus exactly those that one alternative of each component leads to. The event types are the log's own word, digests and
 * order are what the PCR confirms: only call it for events that lead to the quoted value.
 */
export function componentsObjection(
  components: readonly Component[],
  events: readonly MeasuredEvent[],
): string | undefined {
  let open = reachable(components, [0]);
  for (const [at, event] of events.entries()) {
    const taken = open.filter((position) => accepts(components[position], event)).map((position) => position + 1);
    if (taken.length === 0)
      return `event ${at + 1} (${event.event_type}) is ${event.digest}, ${wanted(components, open)}`;
    open = reachable(components, taken);
  }
  if (open.includes(components.length)) return undefined;
  return `the log ends after ${events.length} events, ${wanted(components, open)}`;
}

/** Positions in the list from which the next event may be taken: past components that may be absent. */
function reachable(components: readonly Component[], from: readonly number[]): number[] {
  const reached = new Set<number>();
  for (const start of from) {
    for (let position = start; !reached.has(position); position += 1) {
      reached.add(position);
      if (components[position]?.allowed.some((one) => 'absent' in one) !== true) break;
    }
  }
  return [...reached];
}

const accepts = (component: Component | undefined, { event_type, digest }: MeasuredEvent): boolean =>
  component?.event_type === event_type && component.allowed.some((one) => 'digest' in one && one.digest === digest);

/** What could have come instead. */
function wanted(components: readonly Component[], open: readonly number[]): string {
  const said = open.map((position) => {
    const component = components[position];
    if (component === undefined) return 'no further event';
    const digests = component.allowed.flatMap((one) => ('digest' in one ? [one] : []));
    const [one] = digests;
    const which = digests.length === 1 && one ? `${one.digest} (${one.label})` : `one of ${digests.length} digests`;
    return `component ${position + 1} (${component.name ?? component.event_type}): ${which}`;
  });
  const [first = 'nothing', ...more] = said;
  return `expected ${first}${more.length === 0 ? '' : `, or ${more.length} other`}`;
}
