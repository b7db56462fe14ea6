import { z } from 'zod';
import { channelNameSchema } from '../domain/notices.js';
import { runtimeNameSchema } from '../domain/on-kill.js';

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** An address may hold a secret of its own, so no message repeats it. */
const addressSchema = z
  .string()
  .max(2048)
  .refine((text) => isAllowed(text), 'expected https://…, without a user name (http:// is for 127.0.0.1 alone)');

function isAllowed(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.has(hostname));
}

/** `arn:PARTITION:sns:REGION:ACCOUNT:NAME` (Amazon's reference of SNS resource types). */
const TOPIC_ARN = /^arn:aws[a-z-]{0,20}:sns:([a-z0-9-]{1,32}):\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$/;

const webhookSchema = z.strictObject({
  kind: z.literal('webhook'),
  url: addressSchema,
  secret_path: z.string().min(1),
});

const channelSchema = z
  .discriminatedUnion('kind', [
    webhookSchema,
    z.strictObject({
      kind: z.literal('sns'),
      topic_arn: z.string().regex(TOPIC_ARN, 'expected the ARN of an SNS topic'),
      region: z.string().min(1).max(32),
      endpoint: addressSchema.optional(),
    }),
  ])
  .refine((channel) => channel.kind !== 'sns' || TOPIC_ARN.exec(channel.topic_arn)?.[1] === channel.region, {
    path: ['region'],
    message: "is not the region in the topic's ARN",
  });

/** The register role's channels, by the names that policies use: addresses, and the files that hold secrets. */
export const noticeChannelsSchema = z.record(channelNameSchema, channelSchema);
export type NoticeChannelSettings = z.output<typeof noticeChannelsSchema>;

/** The register role's job runtimes, by the names that `on_kill.halt_job` of a policy uses. */
export const jobRuntimesSchema = z.record(runtimeNameSchema, webhookSchema);
export type JobRuntimeSettings = z.output<typeof jobRuntimesSchema>;
