import type { Roster } from '../../domain/roster.js';
import type { CeremoniesTasks } from '../../domain/tasks.js';
import { checkStatement } from '../../proofs/statement-check.js';

/** What the ceremonies role holds: the public roster, and nothing else. */
export interface CeremoniesHoldings {
  roster: () => Roster;
}

/** The activities of the worker that runs ceremonies. Nothing in them waits, and none has authority. */
export function ceremoniesTasks({ roster }: CeremoniesHoldings): CeremoniesTasks {
  return {
    check: ({ envelopes }) => {
      const people = roster();
      return Promise.resolve(envelopes.map((envelope) => checkStatement(envelope, people)));
    },
  };
}
