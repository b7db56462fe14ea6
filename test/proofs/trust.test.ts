import { describe, expect, it } from 'vitest';

import { parseTrust, trustFileText } from '../../proofs/trust.js';
import { policyDigest, roleKeys, roster, trustedRoles } from './ceremony-people.js';

describe('a trust-roots file', () => {
  const good = trustFileText({ roles: trustedRoles, roster, policies: [policyDigest] });
  it('reads back what was written', () => {
    expect(parseTrust(good)).toMatchObject({ ok: true });
  });
  it.each([
    ['is no JSON', 'x', 'trust_not_json'],
    [
      'names a key under another keyid',
      good.replace(/"keyid":"[0-9a-f]{64}"/, `"keyid":"${'a'.repeat(64)}"`),
      'trust_malformed',
    ],
    [
      'gives one key two roles',
      trustFileText({ roles: trustedRoles.map((r) => ({ ...r, publicKey: roleKeys.register.publicKey })), roster }),
      'trust_malformed',
    ],
    ['has a member more', good.replace('{', '{"extra":1,'), 'trust_malformed'],
  ])('is refused when it %s', (_, file, code) => {
    expect(parseTrust(file)).toMatchObject({ ok: false, code });
  });
});
