import { existsSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { sentinelLogEntrySchema, type SentinelEvent } from '../../domain/sentinel.js';
import { readSentinelFile } from '../../proofs/sentinel-file.js';
import { sentinelEventJson, sentinelLogEntryJson } from '../../proofs/sentinel-json.js';
import { signSentinelEntry } from '../../proofs/sentinel-signed-entry.js';
import { KEY, SECRET } from './sentinel-vectors.js';

const artefact = (name: string): URL => new URL(`../../../shared/interop/sentinel/${name}`, import.meta.url);
const ARTEFACTS = ['breakglass-event.sample.json', 'breakglass-log-entry.sample.json', 'signed-entry.sample.jsonl'];
const absent = ARTEFACTS.find((name) => !existsSync(artefact(name)));
const suffix = absent === undefined ? '' : ` (skipped: ../shared/interop/sentinel/${absent} is not there)`;
const read = (name: string): Buffer => readFileSync(artefact(name));
const trimmed = (name: string): string => read(name).toString('utf8').trimEnd();

describe.skipIf(absent !== undefined)(`what Sentinel itself wrote${suffix}`, () => {
  it('is the event that we write, byte for byte', () => {
    const text = trimmed('breakglass-event.sample.json');
    expect(sentinelEventJson(JSON.parse(text) as SentinelEvent, '  ')).toBe(text);
  });

  it('is the log entry that we write, byte for byte', () => {
    const text = trimmed('breakglass-log-entry.sample.json');
    expect(sentinelLogEntryJson(sentinelLogEntrySchema.parse(JSON.parse(text)), '  ')).toBe(text);
  });

  it('is the signed line that we write, byte for byte', () => {
    const text = trimmed('signed-entry.sample.jsonl');
    const { entry, timestamp } = JSON.parse(text) as { entry: unknown; timestamp: string };
    const json = sentinelLogEntryJson(sentinelLogEntrySchema.parse(entry));
    expect(signSentinelEntry(json, timestamp, KEY)).toBe(text);
  });

  it('verifies as a file, and not once a word of it is another', () => {
    const bytes = read('signed-entry.sample.jsonl');
    expect(readSentinelFile(bytes, { secret: SECRET })).toMatchObject({ lines: [{ number: 1 }], refused: [] });
    const tampered = Buffer.from(bytes.toString('utf8').replace('alice', 'mallo'));
    expect(readSentinelFile(tampered, KEY).refused).toMatchObject([{ line: 1, code: 'signature_mismatch' }]);
  });

  it('is refused as an event without a signature', () => {
    for (const name of ['breakglass-event.sample.json', 'breakglass-log-entry.sample.json']) {
      expect(readSentinelFile(read(name), KEY)).toMatchObject({ lines: [], refused: [{ line: 1, code: 'unsigned' }] });
    }
  });
});
