import { afterAll, describe, expect, it } from 'vitest';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy } from '../people.js';
import { reseal } from '../terminal.js';

const people = makePeople();
afterAll(people.dispose);
const api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });

describe('a list with nothing in it', () => {
  it.each([[], ['--limit', '5']])('says that there are no ceremonies yet (%#)', async (...flags) => {
    expect((await reseal(api, ['breakglass', 'list', ...flags])).err).toContain('no ceremonies yet');
  });

  it.each([['--open'], ['--overdue'], ['--review-owed'], ['--since', '7d'], ['--waiting-for', 'bob@example.test']])(
    'says that a filter may be why: %s',
    async (...flags) => {
      const { status, err } = await reseal(api, ['breakglass', 'list', ...flags]);
      expect({ status, err }).toMatchObject({
        status: 0,
        err: expect.stringContaining('leave a filter out') as string,
      });
    },
  );
});
