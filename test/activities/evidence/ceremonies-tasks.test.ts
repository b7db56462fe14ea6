import { describe, expect, it } from 'vitest';

import { checkOutcomeSchema } from '../../../domain/outcomes.js';
import { ceremoniesTasks } from '../../../activities/evidence/ceremonies-tasks.js';
import { bob, requestFor, roster, signAct } from '../../proofs/ceremony-people.js';

const tasks = ceremoniesTasks({ roster: () => roster });

describe('check', () => {
  it('answers each envelope in its place', async () => {
    const good = signAct(bob, 'approve', requestFor());
    const checked = checkOutcomeSchema.parse(await tasks.check({ envelopes: [good, { ...good, payload: '{}' }] }));
    expect(checked.map((one) => (one.ok ? 'ok' : one.reason))).toEqual(['ok', 'malformed']);
  });
});
