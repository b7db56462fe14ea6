import type { EntryPayload, Receipt } from '../../domain/entry.js';
import { policySchema, type Policy } from '../../domain/policy.js';
import type { Request } from '../../domain/request.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { signReceipt } from '../../proofs/receipt.js';
import { entryOf, policy, requestFor, roleKeys, T0 } from './ceremony-people.js';

const { approvals } = policy;
if (approvals === undefined) throw new Error('the test policy has default approvals');

/** The test policy, and an approval counts only with a receipt; `channels` are those whose word counts. */
export const wantingReceipts = (channels?: string[]): Policy =>
  policySchema.parse({
    ...policy,
    notices: [{ channel: 'desk' }, { channel: 'pager' }],
    approvals: { ...approvals, delivery: { required: true, ...(channels === undefined ? {} : { channels }) } },
  });

export const requestUnder = (under: Policy): Request => requestFor({ policy_digest: digestOf(under) });

/** The register's entry that `people` were asked through the desk, a second after admission unless said otherwise. */
export const deliveredEntry = (
  request: Request,
  people: string[],
  {
    at = T0 + 1000,
    event_id = request.event_id,
    ...over
  }: { at?: number; event_id?: string } & Record<string, unknown> = {},
): EntryPayload =>
  entryOf(event_id, 'delivered', `delivered/1/desk/${people.join('-')}`, at, {
    notice_id: `notice_${request.event_id}_1`,
    notice: 'requested',
    channel: 'desk',
    status: 204,
    body_sha256: 'b'.repeat(64),
    request_digest: digestOf(request),
    round: 1,
    extension_digest: null,
    people,
    to: people.map((person) => `${person}@example.com`),
    ...over,
  });

export const deliveryReceipt = (...args: Parameters<typeof deliveredEntry>): Receipt =>
  signReceipt(deliveredEntry(...args), roleKeys.register);
