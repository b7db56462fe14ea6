import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startSwtpm, type SoftwareTpm } from '../../../deploy/local/tpm/start-swtpm.js';
import { readAttestationKey } from '../../../proofs/tpm/attestation-key.js';
import type { QuoteEvidence } from '../../../proofs/tpm/authentic-quote.js';
import { readPcrValues } from '../../../proofs/tpm/pcr-values.js';
import { parsePublicArea, type PublicArea } from '../../../proofs/tpm/public-area.js';
import type { Values } from './software-quote.js';

/** Persistent handles: what is only saved as a context dies with a reset. */
export const AKS = {
  rsassa: { handle: '0x81010002', algorithm: 'rsa', scheme: 'rsassa' },
  rsapss: { handle: '0x81010003', algorithm: 'rsa', scheme: 'rsapss' },
  ecdsa: { handle: '0x81010004', algorithm: 'ecc', scheme: 'ecdsa' },
  owner: { handle: '0x81010005', algorithm: 'ecc', scheme: 'ecdsa' },
} as const;
export type AkName = keyof typeof AKS;

export interface Quoted {
  evidence: QuoteEvidence;
  /** Whether `tpm2_checkquote` takes it too, with this nonce and key. */
  checkedBy(nonce: string, ak?: AkName): Promise<boolean>;
}

const FLAGS = 'restricted|sign|fixedtpm|fixedparent|sensitivedataorigin|userwithauth';

/** A host with a TPM that tpm2-tools speak to: three AKs under its EK, and one in the owner hierarchy. */
export class QuotingHost {
  private count = 0;

  private constructor(readonly tpm: SoftwareTpm) {}

  static async start(): Promise<QuotingHost> {
    const host = new QuotingHost(await startSwtpm());
    const { tpm } = host;
    const keep = async (context: string, handle: string): Promise<void> => {
      await tpm.tool('tpm2_evictcontrol', '-C', 'o', '-c', context, handle);
      await host.flush();
    };
    await tpm.tool('tpm2_createek', '-c', 'ek.ctx', '-G', 'rsa', '-u', 'ek.pub');
    await host.flush();
    for (const name of ['rsassa', 'rsapss', 'ecdsa'] as const) {
      const { algorithm, scheme, handle } = AKS[name];
      const how = ['-G', algorithm, '-g', 'sha256', '-s', scheme];
      await tpm.tool(
        'tpm2_createak',
        '-C',
        'ek.ctx',
        '-c',
        `${name}.ctx`,
        ...how,
        '-u',
        `${name}.pub`,
        '-n',
        `${name}.name`,
      );
      await host.flush();
      await keep(`${name}.ctx`, handle);
    }
    await tpm.tool('tpm2_createprimary', '-C', 'o', '-G', 'ecc256:ecdsa-sha256:null', '-a', FLAGS, '-c', 'owner.ctx');
    await tpm.tool('tpm2_readpublic', '-c', 'owner.ctx', '-o', 'owner.pub');
    await keep('owner.ctx', AKS.owner.handle);
    return host;
  }

  stop(): Promise<void> {
    return this.tpm.stop();
  }

  /** There is no resource manager here: what a tool loaded stays until it is flushed. */
  private async flush(): Promise<void> {
    await this.tpm.tool('tpm2_flushcontext', '-t');
    await this.tpm.tool('tpm2_flushcontext', '-s').catch(() => undefined);
  }

  read(file: string): Promise<Buffer> {
    return readFile(join(this.tpm.folder, file));
  }

  async endorsementKey(): Promise<PublicArea> {
    const parsed = parsePublicArea(await this.read('ek.pub'));
    if (!parsed.ok) throw new Error(parsed.detail);
    return parsed.value;
  }

  /** The values now, as the agent on a host sends them. */
  async pcrs(indices: readonly number[], bank = 'sha256'): Promise<Values> {
    const file = `${(this.count += 1)}.values`;
    await this.tpm.tool('tpm2_pcrread', `${bank}:${indices.join(',')}`, '-o', file);
    const bytes = await this.read(file);
    const size = bytes.length / indices.length;
    return {
      [bank]: Object.fromEntries(
        indices.map((index, at) => [String(index), bytes.subarray(at * size, (at + 1) * size).toString('hex')]),
      ),
    };
  }

  /** Extends a PCR by the digest of a text. */
  async extend(index: number, hex: string): Promise<void> {
    await this.tpm.tool('tpm2_pcrextend', `${index}:sha256=${hex}`);
  }

  /** Reads the values and then quotes; `between` happens in the middle. */
  async quote(
    ak: AkName,
    indices: readonly number[],
    nonce: string,
    options: { bank?: string; between?: () => Promise<void> } = {},
  ): Promise<Quoted> {
    const { bank = 'sha256', between } = options;
    const name = `quote-${(this.count += 1)}`;
    const values = await this.pcrs(indices, bank);
    await between?.();
    const { handle, scheme } = AKS[ak];
    const out = ['-m', `${name}.msg`, '-s', `${name}.sig`, '-o', `${name}.pcrs`, '-F', 'serialized'];
    const what = ['-l', `${bank}:${indices.join(',')}`, '-q', nonce, '-g', 'sha256', '--scheme', scheme];
    await this.tpm.tool('tpm2_quote', '-c', handle, ...what, ...out);
    const [quote, signature, area] = await Promise.all(
      [`${name}.msg`, `${name}.sig`, `${ak}.pub`].map((file) => this.read(file)),
    );
    if (!quote || !signature || !area) throw new Error('a file was not read');
    return {
      evidence: { quote, signature, ak: readAttestationKey(area), pcrs: readPcrValues(JSON.stringify(values)) },
      checkedBy: (expected, by = ak) =>
        this.tpm
          .tool(
            'tpm2_checkquote',
            '-u',
            `${by}.pub`,
            '-m',
            `${name}.msg`,
            '-s',
            `${name}.sig`,
            '-f',
            `${name}.pcrs`,
            '-g',
            'sha256',
            '-q',
            expected,
          )
          .then(
            () => true,
            () => false,
          ),
    };
  }

  /** Suspends and resumes (`restart`), shuts down and starts again (`reset`), or cuts the power. */
  async boot(how: 'restart' | 'reset' | 'power cut'): Promise<void> {
    if (how !== 'power cut') await this.tpm.tool('tpm2_shutdown', ...(how === 'reset' ? ['-c'] : []));
    await this.tpm.powerCycle();
    await this.tpm.tool('tpm2_startup', ...(how === 'restart' ? [] : ['-c']));
  }
}
