import { createHash, createHmac, randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { WebhookReceiver, type Received } from './webhook-receiver.js';

/** Credentials that this endpoint knows, and no other. */
export const SNS_CREDENTIALS = { AWS_ACCESS_KEY_ID: 'AKIARESEALTEST', AWS_SECRET_ACCESS_KEY: 'a secret of the tests' };

/** One published message, its parameters as they were sent. */
export type Published = Readonly<Record<string, string>>;

const NAMESPACE = 'http://sns.amazonaws.com/doc/2010-03-31/';

/**
 * Amazon SNS as its query protocol is on the wire (API reference of SNS, Publish and Common Errors): form parameters in,
 * XML out. It checks the signature of each request (Signature Version 4) as Amazon does, knows one topic, and can be told
 * to fail in Amazon's ways.
 */
export class SnsEndpoint {
  readonly published: Published[] = [];
  private readonly failures: { status: number; code: string }[] = [];

  private constructor(
    readonly receiver: WebhookReceiver,
    private readonly topicArn: string,
  ) {
    receiver.does((response, received) => this.answer(response, received));
  }

  static async start(topicArn: string): Promise<SnsEndpoint> {
    return new SnsEndpoint(await WebhookReceiver.start(), topicArn);
  }

  get url(): string {
    return new URL(this.receiver.url).origin;
  }

  /** The next request fails so: Amazon answers `Throttling` with 400, `InternalFailure` with 500, and so on. */
  failNext(status: number, code: string): void {
    this.failures.push({ status, code });
  }

  stop(): Promise<void> {
    return this.receiver.stop();
  }

  private answer(response: ServerResponse, received: Received): void {
    const failure = this.failures.shift();
    const parameters = Object.fromEntries(new URLSearchParams(received.body));
    if (failure !== undefined) return fail(response, failure.status, failure.code);
    if (!isSigned(received)) return fail(response, 403, 'SignatureDoesNotMatch');
    if (parameters['Action'] !== 'Publish') return fail(response, 400, 'InvalidAction');
    if (parameters['TopicArn'] !== this.topicArn) return fail(response, 404, 'NotFound');
    if ((parameters['Subject'] ?? '').length > 100 || (parameters['Message'] ?? '') === '')
      return fail(response, 400, 'InvalidParameter');
    this.published.push(parameters);
    response.writeHead(200, { 'content-type': 'text/xml' });
    response.end(
      `<PublishResponse xmlns="${NAMESPACE}"><PublishResult><MessageId>${randomUUID()}</MessageId></PublishResult>` +
        `<ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata></PublishResponse>`,
    );
  }
}

function fail(response: ServerResponse, status: number, code: string): void {
  const type = status >= 500 ? 'Receiver' : 'Sender';
  response.writeHead(status, { 'content-type': 'text/xml' });
  response.end(
    `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>${type}</Type><Code>${code}</Code><Message>no</Message></Error>` +
      `<RequestId>${randomUUID()}</RequestId></ErrorResponse>`,
  );
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** Signature Version 4 (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html). */
function isSigned({ method, url, headers, body }: Received): boolean {
  const wanted =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/sns\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;
  const [, id, date, region, names, signature] = wanted.exec(headers['authorization'] ?? '') ?? [];
  if (id !== SNS_CREDENTIALS.AWS_ACCESS_KEY_ID || date === undefined || region === undefined || names === undefined)
    return false;
  const signed = names.split(';').map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`);
  const canonical = [method, url, '', signed.join(''), names, sha256(body)].join('\n');
  const scope = `${date}/${region}/sns/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const dateKey = hmac(`AWS4${SNS_CREDENTIALS.AWS_SECRET_ACCESS_KEY}`, date);
  const key = hmac(hmac(hmac(dateKey, region), 'sns'), 'aws4_request');
  return hmac(key, toSign).toString('hex') === signature;
}
