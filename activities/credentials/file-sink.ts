import { randomUUID } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { deliveryText, SinkFailure, type Delivery, type SecretSink } from './sink.js';

/**
 * A file for each target, mode 0600, in a directory that only its owner can read: `<kind>-<object id>.json`. It is written
 * beside its place, flushed to disk and renamed over it, so that a reader finds one whole secret or the one before.
 */
export function fileSink(directory: string): SecretSink {
  return {
    deliver: async (delivery) => {
      const found = await stat(directory).catch(() => null);
      if (found === null || !found.isDirectory()) throw new SinkFailure('sink_directory_missing');
      if ((found.mode & 0o077) !== 0) throw new SinkFailure('sink_directory_open_to_others');
      await write(directory, delivery).catch(() => {
        throw new SinkFailure('sink_write_failed');
      });
    },
  };
}

async function write(directory: string, delivery: Delivery): Promise<void> {
  // Both are from closed sets of characters: a kind of ours and a GUID.
  const place = path.join(directory, `${delivery.kind}-${delivery.target_id}.json`);
  const beside = `${place}.${randomUUID()}`;
  try {
    const file = await open(beside, 'wx', 0o600);
    try {
      await file.writeFile(deliveryText(delivery));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, place);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  const folder = await open(directory, 'r');
  await folder.sync().finally(() => folder.close());
}
