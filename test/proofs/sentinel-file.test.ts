import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { readSentinelFile } from '../../proofs/sentinel-file.js';
import { sentinelLogEntryJson } from '../../proofs/sentinel-json.js';
import { ENTRY, KEY, logEntries, signed } from './sentinel-vectors.js';

const read = (text: string, key: Parameters<typeof readSentinelFile>[1] = KEY) =>
  readSentinelFile(Buffer.from(text), key);

describe('a file of signed lines', () => {
  it('gives every entry back in its order, with or without a last line feed', () => {
    fc.assert(
      fc.property(fc.array(logEntries, { maxLength: 8 }), fc.boolean(), (entries, last) => {
        const text = entries.map((entry) => signed(entry)).join('\n') + (last && entries.length > 0 ? '\n' : '');
        const file = read(text);
        expect(file.refused).toEqual([]);
        expect(file.lines.map(({ entry }) => entry)).toEqual(entries);
        expect(file.lines.map(({ number }) => number)).toEqual(entries.map((_, index) => index + 1));
      }),
      { numRuns: 50 },
    );
  });

  it('names each line that does not verify by its number and reason, and keeps the others', () => {
    const good = signed(ENTRY);
    const text = [good, good.replace('dana', 'erin'), '', sentinelLogEntryJson(ENTRY), `${good}\r`, good].join('\n');
    const { lines, refused } = read(text);
    expect(lines.map(({ number }) => number)).toEqual([1, 6]);
    expect(refused.map(({ line, code }) => [line, code])).toEqual([
      [2, 'signature_mismatch'],
      [3, 'line_empty'],
      [4, 'unsigned'],
      [5, 'carriage_return'],
    ]);
  });

  it('takes any key id of that secret, unless one is named', () => {
    const text = signed(ENTRY, { key_id: 'key-2025' });
    expect(read(text, { secret: KEY.secret }).lines).toHaveLength(1);
    expect(read(text).refused).toMatchObject([{ code: 'key_unknown' }]);
  });

  it('is refused once, as unsigned, where it is one JSON document over many lines', () => {
    expect(read(JSON.stringify(ENTRY, null, 2)).refused).toMatchObject([{ line: 1, code: 'unsigned' }]);
  });

  it('never throws, whatever bytes it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(readSentinelFile(bytes, KEY).lines).toEqual([]);
      }),
    );
  });
});
