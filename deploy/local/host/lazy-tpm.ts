import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AttestAgent, type AgentRequest, type AgentResponse } from '../../../activities/tpm/attest-agent.js';
import { startSwtpm, swtpmMissing, type SoftwareTpm } from '../tpm/start-swtpm.js';

/** Persistent handles: what is only saved as a context dies with a reset. */
const [EK, AK] = ['0x81010001', '0x81010002'] as const;

/** What a host's TPM shows of itself: where it takes commands, TPM2B_PUBLIC of both keys, and the Name of the attestation key in hex. */
export interface TpmIdentity {
  socket: string;
  ek: Buffer;
  ak: Buffer;
  akName: string;
}

/**
 * The simulated host's TPM and the agent before it. Nothing is started before somebody asks: an emulated TPM with its keys
 * takes some seconds, and most stacks attest nothing.
 */
export class LazyTpm {
  private started: Promise<{ tpm: SoftwareTpm; agent: AttestAgent }> | null = null;
  private stopped = false;

  constructor(
    private readonly token: string,
    private readonly pidFile: string | null,
    /** Whether the agent is not to be reached just now. */
    private readonly away: () => boolean,
  ) {}

  /** Why there is none here, or null. */
  get missing(): string | null {
    return (this.reason ??= { why: swtpmMissing() }).why;
  }
  private reason: { why: string | null } | null = null;

  get running(): boolean {
    return this.started !== null;
  }

  /** What the agent answers; 503 `tpm_unreachable` where no TPM can be started, which passes no judgement on the host. */
  async answer(request: AgentRequest): Promise<AgentResponse> {
    if (this.away()) return unreachable('a fault that was asked for');
    if (request.path === '/health') return { status: 200, body: { ok: true } };
    try {
      return await (await this.start()).agent.answer(request);
    } catch (error) {
      return unreachable(error instanceof Error ? error.message : 'no TPM');
    }
  }

  async identity(): Promise<TpmIdentity> {
    const { folder, socket } = (await this.start()).tpm;
    const [ek, ak, name] = await Promise.all(
      ['ek.pub', 'ak.pub', 'ak.name'].map((file) => readFile(join(folder, file))),
    );
    if (!ek || !ak || !name) throw new Error('a file was not read');
    return { socket, ek, ak, akName: name.toString('hex') };
  }

  /** Extends a PCR of the SHA-256 bank by a digest of 32 bytes in hex. */
  async extend(index: number, digest: string): Promise<void> {
    await (await this.start()).tpm.tool('tpm2_pcrextend', `${index}:sha256=${digest}`);
  }

  /** Puts a PCR back to zero, which a running system may do with 16 and 23 alone. */
  async mend(index: 16 | 23): Promise<void> {
    await (await this.start()).tpm.tool('tpm2_pcrreset', String(index));
  }

  /** Suspends and resumes (`restart`), shuts down and starts again (`reset`), or takes the power away without a word. */
  async boot(how: 'restart' | 'reset' | 'power_cut'): Promise<void> {
    const { tpm } = await this.start();
    if (how !== 'power_cut') await tpm.tool('tpm2_shutdown', ...(how === 'reset' ? ['-c'] : []));
    await tpm.powerCycle();
    await tpm.tool('tpm2_startup', ...(how === 'restart' ? [] : ['-c']));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    const running = await this.started?.catch(() => null);
    await running?.tpm.stop();
  }

  private start(): Promise<{ tpm: SoftwareTpm; agent: AttestAgent }> {
    if (this.stopped) return Promise.reject(new Error('the host is being stopped'));
    const starting = (this.started ??= this.provision());
    // What failed once may be installed by then.
    starting.catch(() => {
      if (this.started === starting) this.started = null;
    });
    return starting;
  }

  private async provision(): Promise<{ tpm: SoftwareTpm; agent: AttestAgent }> {
    const tpm = await startSwtpm(this.pidFile === null ? {} : { pidFile: this.pidFile });
    try {
      const flush = (): Promise<string> => tpm.tool('tpm2_flushcontext', '-t');
      await tpm.tool('tpm2_createek', '-c', EK, '-G', 'rsa', '-u', 'ek.pub');
      const how = ['-G', 'ecc', '-g', 'sha256', '-s', 'ecdsa', '-u', 'ak.pub', '-n', 'ak.name'];
      await tpm.tool('tpm2_createak', '-C', EK, '-c', 'ak.ctx', ...how);
      await flush();
      await tpm.tool('tpm2_evictcontrol', '-C', 'o', '-c', 'ak.ctx', AK);
      await flush();
      const at = { tpm: { socket: tpm.socket }, ak: Number(AK), ek: Number(EK), token: this.token };
      return { tpm, agent: new AttestAgent(at) };
    } catch (error) {
      await tpm.stop();
      throw error;
    }
  }
}

const unreachable = (message: string): AgentResponse => ({
  status: 503,
  body: { error: { code: 'tpm_unreachable', message: message.slice(0, 300) } },
});
