import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { directoryRegistry } from '../../activities/contracts/directory-registry.js';
import { localSigners } from '../../deploy/local/stack/local-signers.js';
import { instant } from '../../domain/identifiers.js';
import type { PolicyInForce } from '../../domain/policy-in-force.js';
import { policySchema } from '../../domain/policy.js';
import type { Revocations } from '../../domain/signed-documents.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { signDocument } from '../../proofs/contract-signing.js';
import type { DsseEnvelope } from '../../proofs/dsse.js';
import type { RoleKey } from '../../proofs/role-key.js';
import { readPolicyFile } from '../../workers/policy-files.js';
import type { Asked, CeremonyStack } from './ceremony-stack.js';
import { signWith } from './signing.js';

const HOUR = 3600_000;

/** What the signers of a stack's contracts do, and what whoever can write to its registry does. */
export class ContractHands {
  private constructor(
    readonly stack: CeremonyStack,
    /** The two keys that sign together. */
    readonly keys: readonly RoleKey[],
    /** The contract that the stack itself has published. */
    readonly inForce: PolicyInForce,
  ) {}

  static async of(stack: CeremonyStack): Promise<ContractHands> {
    const { layout } = stack.stack;
    const { keys } = await localSigners(layout, Date.now());
    return new ContractHands(stack, keys, await readPolicyFile(layout.policy));
  }

  get registry() {
    return directoryRegistry(this.stack.stack.layout.contracts);
  }

  /** The contract in force with other members of its section, and of the policy around it. */
  variant(contract: Record<string, unknown>, policy: Record<string, unknown> = {}): PolicyInForce {
    const { policy: base } = this.inForce;
    const varied = policySchema.parse({ ...base, ...policy, contract: { ...base.contract, ...contract } });
    return { policy: varied, digest: digestOf(varied) };
  }

  /** A contract under which one person of any group is enough, and a day is not too long. */
  lax(contract: Record<string, unknown>): PolicyInForce {
    return this.variant(contract, {
      approvals: { min_approvers: 1, approvers: ['group:operators', 'group:security'] },
    });
  }

  sign({ policy }: PolicyInForce, keys = this.keys): DsseEnvelope {
    return signDocument('contract', policy, keys);
  }

  async publish(contract: PolicyInForce, keys = this.keys): Promise<string> {
    return this.registry.put('contract', this.sign(contract, keys));
  }

  /** Any bytes under a contract's name, as whoever can write to the registry puts them there. */
  async plant(digest: string, envelope: unknown): Promise<void> {
    const file = path.join(this.stack.stack.layout.contracts, 'contracts', `${digest}.json`);
    await writeFile(file, JSON.stringify(envelope));
  }

  /** The next list of revocations, which also takes back these. */
  async revoke(over: Partial<Revocations>): Promise<void> {
    const numbers = (await this.registry.list('revocations')).map(Number);
    const number = Math.max(0, ...numbers);
    const file = path.join(this.stack.stack.layout.contracts, 'revocations', `${number}.json`);
    const { payload } = JSON.parse(await readFile(file, 'utf8')) as DsseEnvelope;
    const before = JSON.parse(Buffer.from(payload, 'base64').toString('utf8')) as Revocations;
    const list = {
      ...before,
      number: number + 1,
      issued_at: instant(Date.now()),
      fresh_until: instant(Date.now() + HOUR),
      ...over,
    };
    await this.registry.put('revocations', signDocument('revocations', list, this.keys));
  }

  /** A request of alice's that pins this contract, signed by her. */
  requestUnder(digest: string): Asked {
    const { stack } = this;
    const asked = stack.prepare({ policy_digest: digest });
    const statement = { ...stack.common(asked.event, asked.request_digest, 'alice', Date.now()), act: 'request' };
    const said = { ...statement, policy_digest: digest, request: asked.request };
    return { ...asked, envelope: signWith(stack.keyOf('alice'), said) };
  }

  /** The same, sent. */
  async askUnder(digest: string): Promise<Asked> {
    const asked = this.requestUnder(digest);
    const answer = await this.stack.send(asked);
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return asked;
  }
}
