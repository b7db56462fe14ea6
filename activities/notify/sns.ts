import type { SNSClient } from '@aws-sdk/client-sns';
import { failureCode, SEND_MS, within, type NoticeChannel, type NoticeMessage, type SendOutcome } from './channel.js';

/** An Amazon SNS topic. Credentials come from the SDK's own chain: environment, profile, workload or instance identity. */
export interface SnsSettings {
  topic_arn: string;
  region: string;
  /** Instead of Amazon's own address. */
  endpoint?: string;
}

/** Amazon's limit, in characters, all ASCII (API reference of SNS, Publish). */
const MAX_SUBJECT = 100;
const CONNECT_MS = 5_000;

/**
 * A channel that publishes each notice to a topic, its payload as the message. The SDK makes one attempt and no more: when
 * to try again is the outbox's to say.
 */
export function snsChannel({ topic_arn, region, endpoint }: SnsSettings, limitMs = SEND_MS): NoticeChannel {
  let client: Promise<SNSClient> | undefined;
  const connect = async (): Promise<SNSClient> => {
    // Loaded where a topic is in use, and nowhere else: it takes a fifth of a second.
    const sdk = await import('@aws-sdk/client-sns');
    const at = endpoint === undefined ? {} : { endpoint };
    const requestHandler = { connectionTimeout: CONNECT_MS };
    return new sdk.SNSClient({ region, ...at, maxAttempts: 1, requestHandler });
  };
  return {
    async send(message, stop) {
      try {
        // Looking for credentials heeds no signal: waiting for it ends all the same.
        const { $metadata } = await within({ stop, ms: limitMs }, async (abortSignal) => {
          const { PublishCommand } = await import('@aws-sdk/client-sns');
          const publish = new PublishCommand({ TopicArn: topic_arn, ...published(message, topic_arn) });
          return (await (client ??= connect())).send(publish, { abortSignal });
        });
        return { code: null, status: $metadata.httpStatusCode ?? null };
      } catch (error) {
        return outcomeOf(error, stop);
      }
    },
    fault: () => Promise.resolve(null),
  };
}

function published({ id, type, event_id, summary, body }: NoticeMessage, topicArn: string) {
  const text = (StringValue: string) => ({ DataType: 'String', StringValue });
  return {
    Message: body,
    Subject: `Reseal: ${summary}`.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_SUBJECT),
    MessageAttributes: { type: text(type), event_id: text(event_id), id: text(id) },
    // A FIFO topic keeps one event's notices in order, and takes a repeated one for the same.
    ...(topicArn.endsWith('.fifo') ? { MessageGroupId: event_id, MessageDeduplicationId: id } : {}),
  };
}

function outcomeOf(error: unknown, stop: AbortSignal): SendOutcome {
  const { name, $metadata } = error as { name?: unknown; $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode ?? null;
  const code = failureCode(error, stop);
  if (code !== 'unreachable') return { code, status };
  const named = typeof name === 'string' && /^[A-Za-z][A-Za-z0-9.]{2,63}$/.test(name);
  // The SDK's words for an answer that is not Amazon's.
  if (named && name !== 'Error' && name !== 'Unknown') return { code: name, status };
  return { code: status === null ? code : 'http_status', status };
}
