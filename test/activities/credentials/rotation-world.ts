import { createHash } from 'node:crypto';
import type { CredentialsDeps } from '../../../activities/credentials/rotation.js';
import { credentialsTasks } from '../../../activities/credentials/rotate.js';
import { deliveryText, SinkFailure, type Delivery, type SecretSink } from '../../../activities/credentials/sink.js';
import { loopbackAccess } from '../../../activities/graph/wire/graph-access.js';
import type { OnKill, Rotation } from '../../../domain/on-kill.js';
import type { SignedIntent } from '../../../domain/intent.js';
import { signReceipt } from '../../../proofs/receipt.js';
import { runAttempts, type RunOptions } from '../graph/attempts.js';
import { ALICE, READER, type World } from '../graph/world.js';

export const ROTATOR = '44444444-0000-4000-8000-000000000004';
export const APPLICATION = 'a9900000-0000-4000-8000-000000000001';
export const OF_APPLICATION: Rotation = { kind: 'application_secret', application_id: APPLICATION, sink: 'vault' };
export const OF_ALICE: Rotation = { kind: 'user_password', user_id: ALICE, sink: 'vault' };

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A vault: the last delivery for a target counts. `broken` says how often it takes nothing first. */
export class Vault implements SecretSink {
  readonly delivered: Delivery[] = [];
  broken = 0;

  deliver(delivery: Delivery): Promise<void> {
    if (this.broken > 0) {
      this.broken -= 1;
      return Promise.reject(new SinkFailure('sink_exited'));
    }
    this.delivered.push(delivery);
    return Promise.resolve();
  }

  /** What it holds now. */
  get secret(): string {
    return this.delivered.at(-1)?.secret.reveal() ?? '';
  }

  /** Everything it ever was given, in plain. */
  get everything(): string[] {
    return this.delivered.map((delivery) => (JSON.parse(deliveryText(delivery)) as { secret: string }).secret);
  }
}

interface Application {
  id: string;
  passwords: { key_id: string; display_name: string; secret_sha256: string }[];
}

/** The credentials role of a world, and what it rotates. */
export class Rotating {
  readonly vault = new Vault();

  constructor(readonly world: World) {}

  intent(rotations: readonly Rotation[] = [OF_APPLICATION], over: Partial<OnKill> = {}): SignedIntent {
    return this.world.intent({
      on_kill: {
        triggers: ['operator_statement'],
        end_sessions: false,
        report_granted: false,
        rotate: [...rotations],
        disable_account: false,
        ...over,
      },
    });
  }

  deps(vault: SecretSink = this.vault): CredentialsDeps {
    const { world } = this;
    const permissions = ['Application.ReadWrite.OwnedBy', 'User-PasswordProfile.ReadWrite.All', 'User.Read.All'];
    return {
      ...world.holdings,
      access: loopbackAccess({ application_id: ROTATOR, base_url: world.url, permissions }),
      sign: (payload) => {
        world.entries.push(payload);
        return signReceipt(payload, world.role);
      },
      sinks: new Map([['vault', vault]]),
    };
  }

  rotate(signed = this.intent(), options: RunOptions = {}, index = 0) {
    const tasks = credentialsTasks(this.deps());
    return runAttempts(
      (input: { signed: SignedIntent; index: number }) => tasks.rotate(input),
      { signed, index },
      this.world.clock,
      options,
    );
  }

  /** An application with these secrets of its own. */
  async application(passwords: readonly string[] = ['its own'], certificates = 0): Promise<void> {
    await this.world.control('/applications', { id: APPLICATION, passwords, certificates });
  }

  async passwords(): Promise<Application['passwords']> {
    await this.world.truth();
    const told = (await this.world.truth()) as unknown as { applications: Application[] };
    return told.applications.find(({ id }) => id === APPLICATION)?.passwords ?? [];
  }

  async account(): Promise<{ enabled: boolean; password_sha256: string | null }> {
    const told = (await this.world.truth()) as unknown as {
      accounts: { id: string; enabled: boolean; password_sha256: string | null }[];
    };
    const found = told.accounts.find(({ id }) => id === ALICE);
    if (found === undefined) throw new Error('there is no Alice');
    return found;
  }

  /** Somebody else adds a secret. */
  addSecret(displayName: string) {
    const body = { passwordCredential: { displayName } };
    return this.world.graph('POST', `/applications/${APPLICATION}/addPassword`, READER, body);
  }
}
