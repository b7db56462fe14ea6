import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ADMISSION_REFUSALS } from '../../domain/admission-refusal.js';
import { policyJsonSchema } from '../../domain/policy-json-schema.js';
import { POLICY_WARNINGS } from '../../domain/policy-warning.js';
import { policyWarnings } from '../../domain/policy-warnings.js';
import { policySchema } from '../../domain/policy.js';
import { readPolicy } from '../../proofs/policy-document.js';

const folder = fileURLToPath(new URL('../../deploy/policies/', import.meta.url));
const text = (name: string): string => readFileSync(`${folder}${name}`, 'utf8');
const examples = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
const committed = JSON.parse(text('policy.schema.json')) as object;
const valid = new Ajv2020({ strict: true, allErrors: true }).compile(committed);

describe('the schema of policies', () => {
  it('is what `reseal policy schema > deploy/policies/policy.schema.json` writes', () => {
    expect(committed).toEqual(policyJsonSchema());
  });

  it('takes a GUID and a duration as they may be written, and no others', () => {
    const policy = parse(text('small-team.yaml')) as Record<string, unknown>;
    for (const [over, expected] of [
      [{}, true],
      [{ tenant_id: '7D2F6C1E-93AB-4C58-8E0D-1B5A4F7C9E21' }, true],
      [{ tenant_id: 'contoso' }, false],
      [{ approval_window: 1800 }, true],
      [{ approval_window: '1h30m' }, true],
      [{ approval_window: '' }, false],
      [{ approval_window: 'soon' }, false],
      [{ rules: [{ name: 'a', reason_codes: ['because'] }] }, false],
      [{ rules: [{ name: 'a', users: [] }] }, false],
      [{ notices: [{ channel: 'desk', events: ['nothing'] }] }, false],
    ] as const)
      expect([over, valid({ ...policy, ...over })]).toEqual([over, expected]);
  });
});

describe.each(examples)('the example %s', (name) => {
  it('is read, and by editors too', () => {
    expect(readPolicy(text(name))).toMatchObject({ ok: true });
    valid(parse(text(name)));
    expect(valid.errors).toBeNull();
    expect(text(name)).toMatch(/^# yaml-language-server: \$schema=policy\.schema\.json\n/);
  });

  it('is weak in nothing that it does not say', () => {
    const weak = policyWarnings(policySchema.parse(parse(text(name))), null).map(
      ({ code, path }) => `${code} ${path.join('.')}`,
    );
    const meant: Record<string, string[]> = {
      'night-watch.yaml': ['immediate_profile profiles.investigate.approvals'],
      'conditional-access.yaml': ['mfa-out', 'mfa-off'].map(
        (profile) => `no_dead_man profiles.${profile}.allow_without_dead_man`,
      ),
      'without-pim.yaml': ['no_dead_man profiles.user-admin.allow_without_dead_man'],
    };
    expect(weak).toEqual(meant[name] ?? []);
  });
});

it('the examples show every part of a policy', () => {
  const shown = new Set(examples.flatMap((name) => Object.keys(parse(text(name)) as object)));
  expect(Object.keys(policyJsonSchema()['properties'] as object).filter((member) => !shown.has(member))).toEqual([]);
});

it('every warning of lint and every refusal of admission is explained to whoever writes a policy', () => {
  const page = readFileSync(fileURLToPath(new URL('../../docs/policy.md', import.meta.url)), 'utf8');
  // The command line and the register refuse people whom the roster does not have before the rule book is asked.
  const codes = [...POLICY_WARNINGS, ...ADMISSION_REFUSALS.filter((code) => code !== 'invoker_unknown')];
  expect(codes.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
});
