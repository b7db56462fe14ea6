import { handedInSchema, judgeModelReceipt, type ModelReceiptKey } from '../../proofs/model-receipt.js';
import type { Verb } from './tool-deps.js';

/**
 * Takes a signed receipt of a model call that a job hands in: into the ledger as it is, once a configured gateway's
 * signature on it verified. Calls of tools refer to it by its digest.
 */
export const takeModelReceipt =
  (keys: readonly ModelReceiptKey[]): Verb =>
  async ({ input }) => {
    const handed = handedInSchema.safeParse(input.body);
    if (!handed.success)
      return { ok: false, code: 'body_malformed', message: 'expected {receipt}: a compact JWS or a DSSE envelope' };
    if (keys.length === 0)
      return { ok: false, code: 'receipt_not_signed', message: 'no gateway is configured whose receipts count' };
    const judged = await judgeModelReceipt(handed.data, keys);
    if (!judged.ok) return judged;
    const { digest, format, signed_by } = judged;
    const result = { digest, format, signed_by };
    return { ok: true, result, data: { ...result, receipt: handed.data.receipt } };
  };
