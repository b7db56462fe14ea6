import type { z } from 'zod';

export const RULE_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** For `superRefine`: no two rules of a list have one name. `why` ends the message, for example `refusals name the rule`. */
export const uniqueNames =
  (why: string) =>
  (rules: readonly { name: string }[], context: z.RefinementCtx): void => {
    const seen = new Map<string, number>();
    for (const [index, { name }] of rules.entries()) {
      const first = seen.get(name);
      if (first === undefined) seen.set(name, index);
      else {
        const message = `rule ${first + 1} has this name already: ${why}`;
        context.addIssue({ code: 'custom', path: [index, 'name'], message });
      }
    }
  };
