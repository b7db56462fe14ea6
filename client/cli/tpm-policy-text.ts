import type { PcrPolicy } from '../../domain/attestation-policy.js';
import { oneLine } from './printable.js';

/** The values that a policy allows of whole PCRs, one a line. */
export const valueLines = ({ pcrs }: PcrPolicy): string[] =>
  Object.entries(pcrs).flatMap(([bank, sets]) =>
    Object.entries(sets).flatMap(([index, allowed]) =>
      allowed.map(({ digest, label, accepted_by }) =>
        oneLine(`${bank} PCR ${index.padEnd(3)}${digest}  ${label} (${accepted_by.join(', ')})`),
      ),
    ),
  );

/** What a policy allows to be measured into PCRs: a line for each alternative of each component, in their order. */
export const componentLines = ({ components = {} }: PcrPolicy): string[] =>
  Object.entries(components).flatMap(([bank, sets]) =>
    Object.entries(sets).flatMap(([index, list]) =>
      list.flatMap(({ name, event_type, allowed }, at) =>
        allowed.map((one) => {
          const what = 'digest' in one ? one.digest : 'absent';
          const called = name === undefined ? event_type : `${name}, ${event_type}`;
          const who = one.accepted_by.join(', ');
          return oneLine(`${bank} PCR ${index.padEnd(3)}${at + 1}. ${called}: ${what}  ${one.label} (${who})`);
        }),
      ),
    ),
  );
