import { describe, expect, it } from 'vitest';
import {
  justificationSchema,
  REASON_CODES,
  requestRefusal,
  requestSchema,
  type Request,
} from '../../domain/request.js';
import * as scene from './scene.js';
import type { EffectOf } from '../../domain/effects/effects.js';

const { REQUEST, TERMS, POLICY_DIGEST } = scene;
const accepts = (text: string): boolean => justificationSchema.safeParse(text).success;

describe('a justification', () => {
  it('is 20 to 1,000 characters', () => {
    expect([19, 20, 1000, 1001].map((length) => accepts('x'.repeat(length)))).toEqual([false, true, true, false]);
  });

  it('is counted in characters that a reader sees, not in UTF-16 units', () => {
    const siren = '🚨';
    expect([19, 20, 1000, 1001].map((length) => accepts(siren.repeat(length)))).toEqual([false, true, true, false]);
  });

  it('is counted after trimming: spaces around it fill nothing', () => {
    for (const padded of [` ${'x'.repeat(30)}`, `${'x'.repeat(30)} `, `${'x'.repeat(19)} `, ' '.repeat(40)])
      expect(accepts(padded)).toBe(false);
    expect(accepts(`${'x'.repeat(10)} ${'y'.repeat(10)}`)).toBe(true);
  });

  it('has no control characters', () => {
    for (let code = 0; code <= 0x9f; code += 1) {
      const control = code < 0x20 || code >= 0x7f;
      expect(accepts(`${'x'.repeat(20)}${String.fromCharCode(code)}${'y'.repeat(20)}`), `U+${code.toString(16)}`).toBe(
        !control,
      );
    }
  });

  it('has no line separators and nothing that turns the direction of the text', () => {
    for (const code of [0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069])
      expect(accepts(`${'x'.repeat(20)}${String.fromCharCode(code)}y`), `U+${code.toString(16)}`).toBe(false);
    expect(accepts('המערכת של הזהויות נפלה ואף אחד לא נכנס')).toBe(true);
  });

  it('is well-formed text', () => {
    expect(accepts(`${'x'.repeat(20)}\ud83d`)).toBe(false);
    expect(accepts(`\udea8${'x'.repeat(20)}`)).toBe(false);
  });
});

describe('a request', () => {
  const refused = (over: Record<string, unknown>): boolean => !requestSchema.safeParse({ ...REQUEST, ...over }).success;

  it('is what it says, ids in lower case', () => {
    expect(requestSchema.parse(REQUEST)).toEqual(REQUEST);
    const shouting = { ...REQUEST, principal: { ...REQUEST.principal, object_id: scene.PRINCIPAL.toUpperCase() } };
    expect(requestSchema.parse(shouting)).toEqual(REQUEST);
  });

  it('gives one of five reasons', () => {
    expect([...REASON_CODES]).toEqual(['incident', 'maintenance', 'security', 'recovery', 'other']);
    expect(refused({ reason_code: 'curiosity' })).toBe(true);
  });

  it('has an event id of 16 lower-case hex characters', () => {
    for (const event_id of ['', 'abc', 'g'.repeat(16), 'A'.repeat(16), '0'.repeat(17), '0'.repeat(15)])
      expect(refused({ event_id })).toBe(true);
  });

  it('has a ticket without room for anything else, or none', () => {
    for (const ticket of ['INC-1', 'a/b#3:4_5.6', 'x'.repeat(64), null]) expect(refused({ ticket })).toBe(false);
    for (const ticket of ['', 'x'.repeat(65), 'a b', 'a\nb', '[x](y)', 'ü', undefined, 7])
      expect(refused({ ticket })).toBe(true);
  });

  it('names people by text that shows as what it is', () => {
    for (const upn of [
      '',
      'x'.repeat(257),
      'bob@example.test\u001b[2J',
      'bob\n@example.test',
      'bob\u202e@example.test',
    ]) {
      expect(refused({ principal: { ...REQUEST.principal, upn } }), JSON.stringify(upn)).toBe(true);
      expect(refused({ invoker: { ...REQUEST.invoker, upn } }), JSON.stringify(upn)).toBe(true);
    }
  });

  it('refuses what it does not know', () => {
    expect(refused({ extra: true })).toBe(true);
    expect(refused({ effect: { ...REQUEST.effect, kind: 'entra.group' } })).toBe(true);
    expect(refused({ effect: { ...REQUEST.effect, extra: 1 } })).toBe(true);
    for (const duration_seconds of [0, -1, 1.5, '1800']) expect(refused({ duration_seconds })).toBe(true);
  });
});

describe('a request under its profile', () => {
  const refusal = (over: Partial<Request>) => requestRefusal({ ...REQUEST, ...over }, TERMS, POLICY_DIGEST)?.code;
  const aims = (over: Partial<EffectOf<'entra.directory_role'>>) =>
    refusal({ effect: { ...REQUEST.effect, ...over } as Request['effect'] });

  it('has nothing said against it when it asks for what the profile names', () => {
    expect(refusal({})).toBeUndefined();
  });

  it('policy_changed: made under another policy', () => {
    expect(refusal({ policy_digest: 'c'.repeat(64) })).toBe('policy_changed');
  });

  it('target_differs_from_policy: another tenant, role, name, scope, or the sessions kept', () => {
    const other = '11111111-1111-4111-8111-111111111111';
    for (const over of [
      { tenant_id: other },
      { role_template_id: other },
      { role_name: 'Harmless Reader' },
      { directory_scope_id: '/administrativeUnits/x' },
      { end_sessions: false },
    ])
      expect(aims(over)).toBe('target_differs_from_policy');
  });

  it('duration_too_short under 10 minutes, duration_too_long over the profile’s maximum', () => {
    expect([599, 600, 14_400, 14_401].map((duration_seconds) => refusal({ duration_seconds }))).toEqual([
      'duration_too_short',
      undefined,
      undefined,
      'duration_too_long',
    ]);
  });
});
