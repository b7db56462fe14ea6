import { z } from 'zod';
import { execSink } from '../activities/credentials/exec-sink.js';
import { fileSink } from '../activities/credentials/file-sink.js';
import type { SecretSink, Sinks } from '../activities/credentials/sink.js';
import { sinkNameSchema } from '../domain/on-kill.js';

const absolute = z.string().regex(/^\//, 'expected an absolute path');

/** One place for new secrets: a directory of files, or a program that takes each on its standard input. */
const sinkSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('file'),
    /** There, and for its owner's eyes alone: mode 0700. */
    directory: absolute,
  }),
  z.strictObject({
    kind: z.literal('exec'),
    /** The program's absolute path and its arguments, started without a shell. */
    command: z.tuple([absolute], z.string().max(1000)),
    timeout_seconds: z.number().int().min(1).max(30).default(20),
  }),
]);
export type SinkSettings = z.output<typeof sinkSchema>;

/** `sinks` of the credentials role. The names are no secret; where they lead is this role's business alone. */
export const sinksSchema = z.record(sinkNameSchema, sinkSchema);

export const sinksOf = (settings: Readonly<Record<string, SinkSettings>>): Sinks =>
  new Map(Object.entries(settings).map(([name, one]) => [name, sinkOf(one)]));

function sinkOf(settings: SinkSettings): SecretSink {
  if (settings.kind === 'file') return fileSink(settings.directory);
  return execSink(settings.command, settings.timeout_seconds * 1000);
}
