import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { STATEMENT_DOMAIN, type SignedStatement } from '../../domain/statement.js';
import { canonicalJson } from '../../proofs/canonical-json.js';
import { encodeOpenSshEd25519 } from '../../proofs/openssh-ed25519.js';
import { parseOpenSshPrivateKey } from '../../proofs/openssh-private-key.js';
import { signSshsig } from '../../proofs/sshsig-sign.js';

/** Signs any JSON value as a statement with an OpenSSH key file: what a person's own `ssh-keygen -Y sign` makes. */
export function signWith(keyPath: string, value: unknown, namespace: string = STATEMENT_DOMAIN): SignedStatement {
  const payload = canonicalJson(value);
  const { privateKey, publicKey } = parseOpenSshPrivateKey(readFileSync(keyPath, 'utf8'));
  return { payload, signature: signSshsig({ privateKey, publicKey, message: Buffer.from(payload), namespace }) };
}

/** The same with a fresh key that no roster knows. */
export function signWithStranger(value: unknown): SignedStatement {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { privatePem } = encodeOpenSshEd25519({
    privateKey: createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    comment: '',
  });
  const parsed = parseOpenSshPrivateKey(privatePem);
  const payload = canonicalJson(value);
  return { payload, signature: signSshsig({ ...parsed, message: Buffer.from(payload), namespace: STATEMENT_DOMAIN }) };
}
