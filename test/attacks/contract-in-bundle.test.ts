import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUNDLE_PAYLOAD_TYPE, bundleStatementSchema, type BundleStatement } from '../../proofs/bundle.js';
import type { BundleReport } from '../../proofs/bundle-report.js';
import { verifyBundle } from '../../proofs/bundle-verify.js';
import { canonicalJson } from '../../proofs/canonical-json.js';
import { signDsse, type DsseEnvelope } from '../../proofs/dsse.js';
import { exportRolePublicKey, generateRoleKey, type RoleKey } from '../../proofs/role-key.js';
import { trustFileSchema, trustOf, type TrustFile } from '../../proofs/trust.js';
import { readRoleKey, roleKeyPath } from '../../workers/role-keys.js';
import { CeremonyStack } from '../support/ceremony-stack.js';
import { ContractHands } from '../support/contract-hands.js';
import { verifiedBundle } from '../support/good-end.js';
import { hurry, isOver } from '../support/records.js';

type Predicate = BundleStatement['predicate'];

let stack: CeremonyStack;
let hands: ContractHands;
let trustFile: TrustFile;
let register: RoleKey;
let sealed: Buffer;
beforeAll(async () => {
  stack = await CeremonyStack.start();
  hands = await ContractHands.of(stack);
  const { layout, dev } = stack.stack;
  trustFile = trustFileSchema.parse(JSON.parse(await readFile(layout.trust, 'utf8')));
  register = await readRoleKey(roleKeyPath(layout.roleKeys, 'register'), 'register');
  const asked = await stack.activate();
  await stack.say(asked, 'alice', 'close');
  await hurry(stack, asked.event, isOver, { step: '1m' });
  await verifiedBundle(stack, asked.event);
  const answer = await fetch(`${dev.gateway_url}/v1/events/${asked.event}/bundle`);
  sealed = Buffer.from(await answer.arrayBuffer());
}, 120_000);
afterAll(() => stack.stop());

const verified = (bytes: Buffer = sealed, over: Partial<TrustFile> = {}): BundleReport =>
  verifyBundle(bytes, trustOf({ ...trustFile, ...over }));

const checkOf = (report: BundleReport) => report.checks.find(({ name }) => name === 'contract');

/** The bundle as somebody seals it who has the register's key, and no signer's. */
function resealed(change: (predicate: Predicate) => Predicate): Buffer {
  const { payload } = JSON.parse(sealed.toString('utf8')) as DsseEnvelope;
  const said = Buffer.from(payload, 'base64').toString('utf8');
  const statement = bundleStatementSchema.parse(JSON.parse(said));
  const changed = Buffer.from(canonicalJson({ ...statement, predicate: change(statement.predicate) }));
  return Buffer.from(canonicalJson(signDsse({ payloadType: BUNDLE_PAYLOAD_TYPE, payload: changed, key: register })));
}

const contractOf = ({ contract }: Predicate): DsseEnvelope => {
  if (contract === undefined) throw new Error('the bundle holds no contract');
  return contract;
};

describe('a bundle under a signed contract', () => {
  it('proves offline who signed it, and names the roster; the trust file need not list the policy', () => {
    const report = verified(sealed, { policies: undefined });
    expect(report.errors).toEqual([]);
    expect(report.facts).toMatchObject({
      contract: { series: 'local', version: 1, signers: ['first', 'second'] },
      roster: { series: 'local', version: 1, signers: ['first', 'second'] },
    });
    expect(report.checks.find(({ name }) => name === 'roster')?.detail).toMatch(/^admitted by .*; issued by /);
    expect(checkOf(report)?.detail).toMatch(/^local version 1, signed by first, second; valid until /);
    expect(report.not_verified.join()).not.toMatch(/that policy|signed the policy/);
  });

  it('says that it was not looked at where the trust file names no signers', () => {
    const report = verified(sealed, { contract_roots: undefined });
    expect(report.ok).toBe(true);
    expect(report.not_verified.join()).toContain('the trust file names no signers');
  });

  it('shows of the roster those who spoke, and nobody else', () => {
    const { payload } = JSON.parse(sealed.toString('utf8')) as DsseEnvelope;
    const said = Buffer.from(payload, 'base64').toString('utf8');
    const { predicate } = bundleStatementSchema.parse(JSON.parse(said));
    expect(predicate.people?.map(({ id }) => id)).toEqual(['alice', 'bob', 'carol']);
  });
});

describe('a bundle is refused, by the check of its contract', () => {
  const refused = (report: BundleReport, said: RegExp): void => {
    expect(report.ok).toBe(false);
    expect(report.errors.filter(({ code }) => code !== 'contract_refused' && code !== 'roster_refused')).toEqual([]);
    expect(report.errors[0]?.message).toMatch(said);
    expect(checkOf(report)).toMatchObject({ ok: false });
  };

  it('whose signers are others than those of the trust file', () => {
    const { contract_roots: roots } = trustFile;
    if (roots === undefined) throw new Error('the trust file names no signers');
    const keys = roots.keys.map((entry) => {
      const { keyid, publicKey } = generateRoleKey();
      return { ...entry, keyid, public_key: exportRolePublicKey(publicKey) };
    });
    refused(verified(sealed, { contract_roots: { ...roots, keys } }), /^contract_unsigned/);
  });

  it('that lost a signature', () => {
    const one = resealed((predicate) => {
      const contract = contractOf(predicate);
      return { ...predicate, contract: { ...contract, signatures: contract.signatures.slice(0, 1) } };
    });
    refused(verified(one), /^contract_unsigned: 1 of 2/);
  });

  it('with a signature of something else', () => {
    const other = hands.sign(hands.lax({ version: 2 }));
    const swapped = resealed((predicate) => {
      const contract = contractOf(predicate);
      return { ...predicate, contract: { ...contract, signatures: other.signatures } };
    });
    refused(verified(swapped), /^contract_changed/);
  });

  it('with another contract that the signers signed', () => {
    const contract = hands.sign(hands.lax({ version: 2 }));
    refused(verified(resealed((predicate) => ({ ...predicate, contract }))), /^it is of policy /);
  });

  it('that lost its contract, unless the trust file lists the policy', () => {
    const without = resealed(({ contract: _, ...predicate }) => predicate);
    refused(verified(without, { policies: [] }), /holds no signed contract/);
    const report = verified(without);
    expect(report.ok).toBe(true);
    expect(report.not_verified.join()).toContain('that anybody signed the policy as a contract');
  });
});
