import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { noticesOf } from '../../../activities/register/notice-reader.js';
import { instant } from '../../../domain/identifiers.js';
import type { SignedIntent } from '../../../domain/intent.js';
import type { NoticeType } from '../../../domain/notices.js';
import type { Request } from '../../../domain/request.js';
import type { SignedStatement } from '../../../domain/statement.js';
import type { CeremonyView } from '../../../domain/view.js';
import { digestOf, sha256Hex } from '../../../proofs/canonical-json.js';
import { bob, carol, entryOf, signRequest } from '../../proofs/ceremony-people.js';
import { approvedExtension, askedExtension } from '../../proofs/extended-ceremony.js';
import { sign } from '../../proofs/full-ceremony.js';
import { bothDatabases, type TestDatabase } from './both-databases.js';
import { MIN, RegisterWorld } from './register-world.js';

const DESK = { notices: [{ channel: 'desk' }] };

describe.each(bothDatabases)('an extension that waits, over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`contract${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let db: TestDatabase;
    let world: RegisterWorld;
    let request: Request;
    let signed: SignedIntent;
    let deadline: string;

    beforeAll(async () => {
      db = await open();
      world = new RegisterWorld(db.database);
    }, 60_000);
    afterAll(() => db.close());
    beforeEach(async () => {
      await world.clear();
      world.setPolicy(DESK);
      request = world.request();
      const intent = await world.issue(request);
      const payload = JSON.parse(Buffer.from(intent.envelope.payload, 'base64').toString()) as {
        data: { signed: SignedIntent };
      };
      ({ signed } = payload.data);
      ({ deadline } = signed.intent);
      await world.append(request, [intent], { state: 'active', status: 'active', expires_at: deadline });
    });

    const told = async (): Promise<NoticeType[]> =>
      (await noticesOf(db.database, request.event_id)).map(({ type }) => type).sort();
    const factsOf = async (type: NoticeType): Promise<Record<string, unknown>[]> => {
      const text = 'SELECT facts FROM register.notices WHERE event_id = $1 AND type = $2 ORDER BY id';
      const rows = await db.database.query<{ facts: string }>(text, [request.event_id, type]);
      return rows.map(({ facts }) => JSON.parse(facts) as Record<string, unknown>);
    };
    /** As the ceremony tells that somebody spoke. */
    const tell = async (statement: SignedStatement, change: Partial<CeremonyView> = {}): Promise<void> => {
      const digest = sha256Hex(statement.payload + statement.signature);
      const transition = `statement/${digest.slice(0, 32)}`;
      const data = { act: 'extend', person: 'alice', method: 'software', digest, statement };
      const draft = entryOf(request.event_id, 'statement', transition, world.now, data);
      await world.append(request, [{ transition, draft }], {
        state: 'active',
        status: 'active',
        expires_at: deadline,
        ...change,
      });
    };
    const waits = (digest: string): CeremonyView['extension'] => ({
      round: 2,
      deadline,
      asked_by: 'alice@example.com',
      asked_at: instant(world.now),
      digest,
      state: 'awaiting_approval',
      approvals: [],
      approvals_wanted: 2,
      refusal: null,
    });

    it('is what approvers are asked for, once, with what they would approve', async () => {
      const asked = askedExtension(request, [signed], { at: world.now });
      await tell(asked);
      await tell(asked);
      expect(await told()).toEqual(['breakglass.invoked', 'extension_requested', 'requested']);
      expect(await factsOf('extension_requested')).toEqual([
        {
          to: [bob.upn, carol.upn],
          request_digest: digestOf(request),
          round: 2,
          extension_digest: sha256Hex(asked.payload),
          expires_at: deadline,
          extended_until: instant(Date.parse(deadline) + 20 * MIN),
          approvals_wanted: 2,
          approve_by: instant(Date.parse(deadline) - MIN),
        },
      ]);
    });

    it('is asked for again when the invoker asks for another time', async () => {
      await tell(askedExtension(request, [signed], { at: world.now }));
      await tell(askedExtension(request, [signed], { at: world.now, minutes: 30 }));
      expect(await factsOf('extension_requested')).toHaveLength(2);
    });

    it.each<[string, () => SignedStatement]>([
      ['somebody else asked for', () => askedExtension(request, [signed], { at: world.now, by: bob })],
      [
        'was signed for another event',
        () => askedExtension(request, [signed], { at: world.now, event_id: 'f'.repeat(16) }),
      ],
      [
        'was signed for another request',
        () => askedExtension(request, [signed], { at: world.now, request_digest: 'f'.repeat(64) }),
      ],
      [
        'nobody signed',
        () => ({ ...askedExtension(request, [signed], { at: world.now }), signature: signRequest(request).signature }),
      ],
      [
        'is no asking at all',
        () => approvedExtension(bob, request, askedExtension(request, [signed], { at: world.now }), world.now),
      ],
    ])('asks nobody where %s, whatever the ceremony tells', async (__, statement) => {
      await tell(statement());
      expect(await told()).toEqual(['breakglass.invoked', 'requested']);
    });

    it('asks nobody where no channel hears of it', async () => {
      world.setPolicy({ notices: [{ channel: 'desk', events: ['requested'] }] });
      await tell(askedExtension(request, [signed], { at: world.now }));
      expect(await factsOf('extension_requested')).toEqual([]);
    });

    it('is told when it is in force or refused, and the end tells the later deadline', async () => {
      const later = instant(Date.parse(deadline) + 20 * MIN);
      const intent = { ...signed.intent, round: 2, deadline: later };
      const { event_id } = request;
      const data = { round: 2, code: 'quorum_not_met', message: '1 of 2', deadline: later };
      const transition = `extension_refused/2/${'a'.repeat(16)}`;
      await world.append(request, [
        { transition, draft: entryOf(event_id, 'extension_refused', transition, world.now, data) },
        sign(entryOf(event_id, 'extension', 'extension/2', world.now, { signed: { ...signed, intent } })),
      ]);
      expect(await factsOf('extension_refused')).toEqual([
        { code: 'quorum_not_met', message: '1 of 2', asked_until: later },
      ]);
      await world.append(request, [sign(entryOf(event_id, 'extended', 'extended/2', world.now))]);
      expect(await factsOf('extended')).toEqual([{ round: 2, expires_at: later }]);
      const ended = { end: 'expired', cause: 'deadline', by: null };
      await world.append(request, [
        { transition: 'ended', draft: entryOf(event_id, 'ended', 'ended', world.now, ended) },
      ]);
      expect(await factsOf('breakglass.expired')).toMatchObject([{ expires_at: later, duration_seconds: 3000 }]);
    });

    it('is listed for those whom the policy names as approvers, and only while it waits', async () => {
      const asked = askedExtension(request, [signed], { at: world.now });
      const approver = (id: string, group: string) => ({
        id,
        object_ids: [],
        parties: [`person:${id}`, `group:${group}`],
      });
      const listed = async (id: string, group: string): Promise<string[]> =>
        (await world.reader.listEvents({ waiting_for: approver(id, group) })).map(({ event_id }) => event_id);
      expect(await listed('bob', 'security')).toEqual([]);
      await tell(asked, { extension: waits(sha256Hex(asked.payload)) });
      expect(await listed('bob', 'security')).toEqual([request.event_id]);
      expect(await listed('alice', 'security')).toEqual([]);
      expect(await listed('eve', 'visitors')).toEqual([]);
      const finding = entryOf(request.event_id, 'finding', 'finding/1', world.now, { code: 'x' });
      const done = { ...waits(sha256Hex(asked.payload)), state: 'done' } as CeremonyView['extension'];
      await world.append(request, [{ transition: 'finding/1', draft: finding }], { state: 'active', extension: done });
      expect(await listed('bob', 'security')).toEqual([]);
    });

    it('is not mistaken for one by what a justification says', async () => {
      const justification = '","state":"awaiting_approval" "state":"awaiting_approval"';
      await tell(askedExtension(request, [signed], { at: world.now }), { justification, extension: null });
      const bobs = { id: 'bob', object_ids: [], parties: ['group:security'] };
      expect(await world.reader.listEvents({ waiting_for: bobs })).toEqual([]);
    });
  });
});
