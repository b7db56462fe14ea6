import type { NoticeChannel } from '../activities/notify/channel.js';
import { snsChannel } from '../activities/notify/sns.js';
import { webhookChannel } from '../activities/notify/webhook.js';
import type { Policy } from '../domain/policy.js';
import type { JobRuntimeSettings, NoticeChannelSettings } from './notice-settings.js';

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

/** The runtimes that halt jobs. Nothing is opened or sent. */
export const jobRuntimes = (settings: JobRuntimeSettings): ReadonlyMap<string, NoticeChannel> =>
  new Map(Object.entries(settings).map(([name, runtime]) => [name, webhookChannel(runtime)]));

/** What would keep a kill of this policy from halting jobs, each by the runtime's name. */
export async function runtimeFaults(
  runtimes: ReadonlyMap<string, NoticeChannel>,
  { profiles }: Pick<Policy, 'profiles'>,
): Promise<{ runtime: string; code: 'runtime_unknown' | 'runtime_unusable'; message: string }[]> {
  const named = new Set(Object.values(profiles).flatMap(({ on_kill }) => on_kill?.halt_job ?? []));
  const faults = await Promise.all(
    [...named].map(async (runtime) => {
      const told = runtimes.get(runtime);
      const unknown = `on_kill.halt_job of the policy names ${runtime}, and job_runtimes in the settings does not`;
      if (told === undefined) return [{ runtime, code: 'runtime_unknown' as const, message: unknown }];
      const message = await told.fault();
      return message === null ? [] : [{ runtime, code: 'runtime_unusable' as const, message }];
    }),
  );
  return faults.flat();
}
