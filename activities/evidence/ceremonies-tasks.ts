import { ApplicationFailure } from '@temporalio/common';
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
      // Refusing everybody would lose what they say: it is asked for again, and somebody may be known by then.
      if (people.people.length === 0)
        throw ApplicationFailure.retryable('no roster is known here yet', 'roster_unknown');
      return Promise.resolve(envelopes.map((envelope) => checkStatement(envelope, people)));
    },
  };
}
