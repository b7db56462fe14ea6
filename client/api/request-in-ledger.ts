import type { Entry } from '../../domain/entry.js';
import { signedStatementSchema, type SignedStatement } from '../../domain/statement.js';

/** The request as its invoker signed it, from a ledger's first entry. Nothing is verified here: whoever signs by it does. */
export function requestInLedger(entries: readonly Entry[]): SignedStatement | undefined {
  const [first] = entries;
  if (first === undefined) return undefined;
  try {
    const payload: unknown = JSON.parse(Buffer.from(first.body.payload, 'base64').toString('utf8'));
    const { data } = payload as { data?: { statement?: unknown } };
    return signedStatementSchema.safeParse(data?.statement).data;
  } catch {
    return undefined;
  }
}
