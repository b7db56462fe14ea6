// Bundled into workflows: nothing of node: and nothing of @temporalio/worker may be imported here.
import {
  DefaultPayloadConverter,
  type ConverterHint,
  type Payload,
  type PayloadConverter,
  type SerializationContext,
} from '@temporalio/common';
import { decode } from '@temporalio/common/lib/encoding.js';
import { undecodable, type UndecodableReason } from './undecodable.js';

/**
 * The SDK's default conversion, except that reading never throws: a payload that it cannot read becomes
 * `{undecodable: true, reason}`, and the schema of whoever receives it refuses that. Payloads are attacker-controlled
 * (anyone with write access to the namespace can send a signal), and an exception while one is read fails the workflow
 * task for ever, with every timer and kill behind it.
 */
class TotalPayloadConverter implements PayloadConverter {
  private readonly inner = new DefaultPayloadConverter();

  toPayload<T>(value: T, context?: SerializationContext, hint?: ConverterHint<T>): Payload {
    return this.inner.toPayload(value, context, hint);
  }

  fromPayload<T>(payload: Payload, context?: SerializationContext, hint?: ConverterHint<T>): T {
    try {
      const fault = this.faultOf(payload);
      if (fault !== null) return undecodable(fault) as T;
      return this.inner.fromPayload(payload, context, hint);
    } catch {
      return undecodable('invalid_json') as T;
    }
  }

  private faultOf(payload: Payload): UndecodableReason | null {
    const encoding = payload.metadata?.['encoding'];
    if (!encoding) return 'missing_encoding';
    const name = decode(encoding);
    if (!this.inner.converterByEncoding.has(name)) return 'unknown_encoding';
    return name === 'json/plain' && !payload.data ? 'missing_data' : null;
  }
}

/** For `payloadConverterPath` of a workflow bundle, a worker and a client. */
export const payloadConverter: PayloadConverter = new TotalPayloadConverter();
