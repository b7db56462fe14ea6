import { entryPayloadSchema, type EntryPayload } from '../../domain/entry.js';
import type { DsseEnvelope } from '../../domain/intent.js';

/** What an envelope of ours says; its signature was checked when it came in. Throws for anything else. */
export const payloadIn = ({ payload }: DsseEnvelope): EntryPayload =>
  entryPayloadSchema.parse(JSON.parse(Buffer.from(payload, 'base64').toString('utf8')));
