import { describe, expect, it } from 'vitest';

import type { EntryPayload } from '../../domain/entry.js';
import { ceremony, edited, told, without } from './told-ceremony.js';

const granted = ceremony.payloads.find(({ type }) => type === 'granted');
const id = String(granted?.data['warrant_id']);

describe('the warrant of a grant, in a bundle', () => {
  it('is named, its scope follows from the intent, and its signature is the effect’s word', () => {
    const { ok, report } = told((payloads) => payloads);
    expect(ok).toBe(true);
    expect(report.checks.find(({ name }) => name === 'grant')?.detail).toContain(`under warrant ${id}`);
    expect(report.not_verified.join('\n')).toContain(`that warrant ${id} was signed and in force`);
  });

  it('may be missing where an earlier version granted, and that is said', () => {
    const bare = ({ data, ...rest }: EntryPayload): EntryPayload => {
      const { warrant_id: _id, warrant_scope_hash_b64u: _hash, ...others } = data;
      return { ...rest, data: others };
    };
    const { ok, report } = told((payloads) => payloads.map((one) => (one.type === 'granted' ? bare(one) : one)));
    expect(ok).toBe(true);
    expect(report.not_verified.join('\n')).toContain('under which warrant it was granted');
  });

  it('says nothing of warrants where nothing was granted', () => {
    const { report } = told((payloads) => without('verified')(without('granted')(payloads)));
    expect(report.not_verified.join('\n')).not.toContain('warrant');
  });

  it('cannot be named where no intent stands', () => {
    const { codes } = told((payloads) => edited('granted', {})(without('intent')(payloads)));
    expect(codes).toContain('grant_refused entries[3].body');
  });
});
