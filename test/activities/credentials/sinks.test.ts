import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { execSink } from '../../../activities/credentials/exec-sink.js';
import { fileSink } from '../../../activities/credentials/file-sink.js';
import { Secret } from '../../../activities/credentials/secret.js';
import type { Delivery } from '../../../activities/credentials/sink.js';
import { sinksSchema } from '../../../workers/sink-settings.js';

const delivery = (text: string): Delivery => ({
  event_id: '0123456789abcdef',
  kind: 'application_secret',
  tenant_id: 'c0ffee00-0000-4000-8000-000000000001',
  target_id: 'a9900000-0000-4000-8000-000000000001',
  key_id: 'b9900000-0000-4000-8000-000000000001',
  secret: new Secret(text),
  at: '2026-06-01T10:00:00.000Z',
});

async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'reseal-sink-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  await chmod(made, 0o700);
  return made;
}

describe('a sink that is a directory', () => {
  it('keeps one file a target, for its owner’s eyes alone, the last delivery in it', async () => {
    const directory = await folder();
    const sink = fileSink(directory);
    for (const text of ['first', 'second']) await sink.deliver(delivery(text));
    const name = 'application_secret-a9900000-0000-4000-8000-000000000001.json';
    expect(await readdir(directory)).toEqual([name]);
    const file = path.join(directory, name);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ schema: 'reseal.secret.v1', secret: 'second' });
  });

  it('takes nothing where others can read, or where there is no directory, and says so without the secret', async () => {
    const directory = await folder();
    await chmod(directory, 0o750);
    await expect(fileSink(directory).deliver(delivery('hush'))).rejects.toMatchObject({
      code: 'sink_directory_open_to_others',
      message: 'sink_directory_open_to_others',
    });
    const absent = path.join(directory, 'absent');
    await expect(fileSink(absent).deliver(delivery('hush'))).rejects.toMatchObject({ code: 'sink_directory_missing' });
    expect(await readdir(directory)).toEqual([]);
  });

  it('leaves nothing behind of what it could not write', async () => {
    const directory = await folder();
    const { kind, target_id } = delivery('hush');
    // What stands in its place cannot be renamed over.
    await mkdir(path.join(directory, `${kind}-${target_id}.json`, 'in the way'), { recursive: true });
    await expect(fileSink(directory).deliver(delivery('hush'))).rejects.toMatchObject({ code: 'sink_write_failed' });
    expect(await readdir(directory)).toHaveLength(1);
  });
});

describe('a sink that is a program', () => {
  const program = async (body: string): Promise<string> => {
    const file = path.join(await folder(), 'plugin.sh');
    await writeFile(file, `#!/bin/sh\n${body}\n`, { mode: 0o700 });
    return file;
  };

  it('gets one line of JSON on its standard input, and the secret nowhere else', async () => {
    const at = await folder();
    const file = await program(`cat > ${at}/stdin; env > ${at}/env; echo "$@" > ${at}/argv`);
    await execSink([file, '--mount', 'kv'], 10_000).deliver(delivery('hush-hush'));
    const [stdin, env, argv] = await Promise.all(
      ['stdin', 'env', 'argv'].map((name) => readFile(path.join(at, name), 'utf8')),
    );
    expect(JSON.parse(stdin ?? '')).toMatchObject({ secret: 'hush-hush', key_id: delivery('').key_id });
    expect(argv?.trim()).toBe('--mount kv');
    expect(`${env}${argv}`).not.toContain('hush-hush');
    expect(env).not.toMatch(/RESEAL|AZURE|VITEST/);
  });

  it('answers with its exit status alone: what it prints is nobody’s to see', async () => {
    const failing = await program('cat; cat >&2; exit 3');
    const refused = await execSink([failing], 10_000)
      .deliver(delivery('hush-hush'))
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'sink_exited' });
    expect(JSON.stringify(refused) + String((refused as Error).stack)).not.toContain('hush-hush');
    await expect(
      execSink([await program('exit 0')], 10_000).deliver(delivery('x'.repeat(100_000))),
    ).resolves.toBeUndefined();
  });

  it('is given its time and no more, and must be there', async () => {
    const slow = await program('exec sleep 60');
    await expect(execSink([slow], 100).deliver(delivery('hush'))).rejects.toMatchObject({ code: 'sink_timed_out' });
    await expect(execSink(['/no/such/program'], 1000).deliver(delivery('hush'))).rejects.toMatchObject({
      code: 'sink_cannot_start',
    });
  });
});

describe('the settings of sinks', () => {
  it.each([
    ['a relative directory', { vault: { kind: 'file', directory: 'secrets' } }],
    ['a program by its name', { vault: { kind: 'exec', command: ['vault', 'write'] } }],
    ['no command', { vault: { kind: 'exec', command: [] } }],
    ['a name that is a path', { '../vault': { kind: 'file', directory: '/secrets' } }],
    ['a kind that is none', { vault: { kind: 'mail', to: 'me' } }],
  ])('refuse %s', (_name, settings) => {
    expect(sinksSchema.safeParse(settings).success).toBe(false);
  });
});
