import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { deliveryLedger } from '../../../activities/register/delivery-receipts.js';
import { noticeQueue, type ClaimedNotice, type NoticeQueue } from '../../../activities/register/notice-queue.js';
import type { Request } from '../../../domain/request.js';
import { digestOf, sha256Hex } from '../../../proofs/canonical-json.js';
import { readEntry } from '../../../proofs/receipt.js';
import { entryOf, keyOf, roleKeys } from '../../proofs/ceremony-people.js';
import { bothDatabases, type TestDatabase } from './both-databases.js';
import { MIN, RegisterWorld } from './register-world.js';

const notices = [{ channel: 'desk' }, { channel: 'pager' }];
const wanting = (delivery: object) => ({
  notices,
  approvals: { min_approvers: 2, approvers: ['group:security', 'group:platform'], delivery },
});
const DELIVERED = { code: null, status: 204 };

describe.each(bothDatabases)('receipts of deliveries over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`contract${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let db: TestDatabase;
    let world: RegisterWorld;
    let queue: NoticeQueue;

    beforeAll(async () => {
      db = await open();
      world = new RegisterWorld(db.database);
      queue = noticeQueue(db.database, () => null, deliveryLedger(world.holdings, null));
    }, 60_000);
    afterAll(() => db.close());
    beforeEach(() => world.clear());

    const asked = async (): Promise<Request> => {
      const request = world.request();
      await world.admitted(request);
      return request;
    };
    const claim = async (channel: string): Promise<ClaimedNotice> => {
      const [claimed] = await queue.claim(channel, 1);
      if (claimed === undefined) throw new Error('nothing is due');
      return claimed;
    };
    const deliveries = (request: Request, people: string[]) =>
      world.register.deliveries({
        event_id: request.event_id,
        people,
        request_digest: digestOf(request),
        round: 1,
        extension_digest: null,
      });

    it('say what was sent through which channel, to whom and when, in the ledger, signed by the register', async () => {
      world.setPolicy(wanting({ required: true }));
      const request = await asked();
      const claimed = await claim('desk');
      expect(JSON.parse(claimed.body)).toMatchObject({ request_digest: digestOf(request) });
      expect(claimed.body).not.toContain('"receipt"');
      expect(await deliveries(request, ['bob'])).toEqual([]);
      world.now += MIN;
      expect(await queue.record(claimed, DELIVERED)).toBe('delivered');
      const [found, ...more] = await deliveries(request, ['bob', 'carol', 'alice']);
      expect(more).toEqual([]);
      expect(found).toMatchObject({ people: ['bob', 'carol'], at: new Date(world.now).toISOString() });
      const read = readEntry(found?.receipt.envelope, request.event_id, keyOf);
      if (!read.ok) throw new Error(read.message);
      expect(read.entry.data).toMatchObject({
        channel: 'desk',
        notice: 'requested',
        status: 204,
        body_sha256: sha256Hex(claimed.body),
        request_digest: digestOf(request),
        to: ['bob@example.com', 'carol@example.com'],
      });
      expect(await world.transitionsOf(request)).toEqual(['request', found?.receipt.transition]);
    });

    it('are written once, one a channel, and the first one is answered', async () => {
      world.setPolicy(wanting({ required: true }));
      const request = await asked();
      const claimed = await claim('desk');
      await queue.record(claimed, DELIVERED);
      await queue.record(claimed, DELIVERED);
      await queue.record(await claim('pager'), DELIVERED);
      expect(await world.transitionsOf(request)).toHaveLength(3);
      const found = await deliveries(request, ['bob', 'carol']);
      expect(found.map(({ receipt }) => receipt.transition)).toEqual([expect.stringMatching(/\/desk$/)]);
    });

    it.each<[string, object, string, { code: string | null; status: number | null }]>([
      ['of what did not arrive', { required: true }, 'desk', { code: 'http_status', status: 500 }],
      ['of a channel that the policy does not count', { required: true, channels: ['pager'] }, 'desk', DELIVERED],
    ])('are none %s', async (__, delivery, channel, outcome) => {
      world.setPolicy(wanting(delivery));
      const request = await asked();
      await queue.record(await claim(channel), outcome);
      expect(await deliveries(request, ['bob', 'carol'])).toEqual([]);
      expect(await world.transitionsOf(request)).toEqual(['request']);
    });

    it('are none where the policy wants none, and none after the end', async () => {
      world.setPolicy({ notices });
      const plain = await asked();
      await queue.record(await claim('desk'), DELIVERED);
      expect(await world.transitionsOf(plain)).toEqual(['request']);
      await world.deny(plain);
      world.setPolicy(wanting({ required: true }));
      const request = await asked();
      const late = (await queue.claim('desk', 4)).find(
        ({ event_id, type }) => event_id === request.event_id && type === 'requested',
      );
      await world.deny(request);
      if (late === undefined) throw new Error('nothing is due');
      expect(await queue.record(late, DELIVERED)).toBe('delivered');
      expect(await world.transitionsOf(request)).toEqual(['request', 'ended']);
    });

    it('are not taken from a ceremony, nor from another role', async () => {
      world.setPolicy(wanting({ required: true }));
      const request = await asked();
      await queue.record(await claim('desk'), DELIVERED);
      const [found] = await deliveries(request, ['bob']);
      const read = readEntry(found?.receipt.envelope, request.event_id, keyOf);
      if (!read.ok) throw new Error(read.message);
      const transition = 'delivered/9/desk';
      await world.append(request, [
        { transition, draft: entryOf(request.event_id, 'delivered', transition, world.now, read.entry.data) },
      ]);
      expect(await world.transitionsOf(request)).toHaveLength(2);
      expect(world.logged).toContainEqual(['receipt_refused', { event_id: request.event_id, code: 'entry_role' }]);
      expect(roleKeys.register.keyid).toBe(found?.receipt.envelope.signatures[0]?.keyid);
    });

    it('of many approvers name at most 32 each', async () => {
      const person = (index: number) => ({
        id: `p${index}`,
        kind: 'human' as const,
        object_ids: [`00000000-0000-4000-8000-${String(index).padStart(12, '0')}`],
        aliases: [`p${index}@example.com`],
        keys: [],
        groups: ['security'],
      });
      world.withPeople(...Array.from({ length: 70 }, (__, index) => person(index)));
      world.setPolicy(wanting({ required: true }));
      const request = await asked();
      await queue.record(await claim('desk'), DELIVERED);
      const found = await deliveries(request, ['bob', 'p69']);
      expect(found.map(({ people }) => people.length)).toEqual([32, 8]);
      expect(await world.transitionsOf(request)).toHaveLength(4);
    });
  });
});
