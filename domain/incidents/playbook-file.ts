import { z } from 'zod';
import { INCIDENT_CLASSES, SEVERITIES, worse, type ContainmentAction } from './classes.js';
import { operatorsSchema } from './operators.js';
import { DEFAULT_PLAYBOOK, playSchema, type Play, type Playbook } from './playbook.js';

const fileSchema = z.strictObject({
  schema: z.literal('reseal.playbooks.v1'),
  /** Each class that is given is given whole; the others are as built in. */
  classes: z.partialRecord(z.enum(INCIDENT_CLASSES), playSchema).default({}),
  acknowledgements: z.partialRecord(z.enum(SEVERITIES), z.number().int().min(1).max(2)).default({}),
  operators: operatorsSchema.optional(),
});

/**
 * `reseal.playbooks.v1`: a deployment's own playbook. It adds to the built-in one and never takes from what protects: a latched
 * class stays latched, one that needs a quote needs it, no severity is milder, no escalation is later or milder, and what
 * was contained is contained still, by an action of the deployment's own choice. That critical incidents need a quote and a signature,
 * and that somebody acknowledges, is no playbook's to say.
 */
export const playbooksFileSchema = fileSchema
  .superRefine(({ classes }, context) => {
    for (const incidentClass of INCIDENT_CLASSES) {
      const play = classes[incidentClass];
      if (play === undefined) continue;
      for (const { member, message } of weaknesses(DEFAULT_PLAYBOOK.classes[incidentClass], play))
        context.addIssue({ code: 'custom', path: ['classes', incidentClass, member], message });
    }
  })
  .transform(({ classes, acknowledgements, operators }): Playbook => ({
    classes: { ...DEFAULT_PLAYBOOK.classes, ...given(classes) },
    acknowledgements: { ...DEFAULT_PLAYBOOK.acknowledgements, ...given(acknowledgements) },
    ...(operators === undefined ? {} : { operators: given(operators) }),
  }));

interface Weakness {
  member: keyof Play;
  message: string;
}

/** In what a play protects less than the built-in one of its class. */
function weaknesses(fixed: Play, play: Play): Weakness[] {
  const found: Weakness[] = [];
  const weak = (member: keyof Play, message: string): void => void found.push({ member, message });
  if (fixed.latched && !play.latched) weak('latched', 'this class stays latched: it never clears by itself');
  if (fixed.reattest && !play.reattest) weak('reattest', 'this class needs a quote at any severity');
  if (worse(play.severity, fixed.severity) !== play.severity)
    weak('severity', `expected ${fixed.severity} or worse, not ${play.severity}`);
  if (contains(fixed.actions) && !contains(play.actions))
    weak('actions', 'expected an action that contains something: log_alert alone is none');
  const [rule, own] = [fixed.escalation, play.escalation];
  if (rule === undefined) return found;
  if (own === undefined) weak('escalation', `expected one: ${rule.events} events in ${rule.seconds} s or sooner`);
  else if (
    own.events > rule.events ||
    own.seconds < rule.seconds ||
    worse(own.severity, rule.severity) !== own.severity
  )
    weak(
      'escalation',
      `expected at most ${rule.events} events in at least ${rule.seconds} s to make it ${rule.severity} or worse`,
    );
  return found;
}

const contains = (actions: readonly ContainmentAction[]): boolean => actions.some((action) => action !== 'log_alert');

/** Without the members that were not given. */
const given = <T extends object>(of: T): T =>
  Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined)) as T;
