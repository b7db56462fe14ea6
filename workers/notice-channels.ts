import type { NoticeChannel } from '../activities/notify/channel.js';
import { snsChannel } from '../activities/notify/sns.js';
import { webhookChannel } from '../activities/notify/webhook.js';
import type { Policy } from '../domain/policy.js';
import type { NoticeChannelSettings } from './notice-settings.js';

/** The channels themselves. Nothing is opened or sent. */
export function noticeChannels(settings: NoticeChannelSettings): ReadonlyMap<string, NoticeChannel> {
  return new Map(
    Object.entries(settings).map(([name, channel]) => [
      name,
      channel.kind === 'webhook' ? webhookChannel(channel) : snsChannel(channel),
    ]),
  );
}

/** What would keep notices from going out, each by channel name: a warning, because a notice never stands in the way. */
export async function channelFaults(
  channels: ReadonlyMap<string, NoticeChannel>,
  policy: Policy,
): Promise<{ channel: string; code: 'channel_missing' | 'channel_unusable'; message: string }[]> {
  const missing = (policy.notices ?? [])
    .filter(({ channel }) => !channels.has(channel))
    .map(({ channel }) => ({
      channel,
      code: 'channel_missing' as const,
      message: `the policy names channel ${channel}, and notice_channels in the settings does not: add it there`,
    }));
  const unusable = await Promise.all(
    [...channels].map(async ([channel, notices]) => {
      const message = await notices.fault();
      return message === null ? [] : [{ channel, code: 'channel_unusable' as const, message }];
    }),
  );
  return [...missing, ...unusable.flat()];
}
