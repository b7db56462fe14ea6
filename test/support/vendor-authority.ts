import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';

export const opensslMissing = spawnSync('openssl', ['version']).error !== undefined;

/** How a list is to be: what it names, how long it is good from now on (negative: it is over), and what else it says. */
export interface ListOf {
  revoked?: readonly X509Certificate[];
  days?: number;
  digest?: string;
  extensions?: string;
}

/** Makes certificates and lists of revoked ones with OpenSSL: no code of the reader's. All files lie in `folder`. */
export class VendorAuthority {
  private count = 0;

  constructor(private readonly folder: string) {}

  private run(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.folder, stdio: 'pipe' });
  }

  private certificate(name: string, args: string[], extensions: string): X509Certificate {
    writeFileSync(join(this.folder, `${name}.ext`), extensions);
    this.run(
      'x509',
      '-new',
      '-subj',
      `/CN=${name}`,
      '-days',
      '365',
      '-extfile',
      `${name}.ext`,
      ...args,
      '-out',
      `${name}.pem`,
    );
    return new X509Certificate(readFileSync(join(this.folder, `${name}.pem`)));
  }

  /** An authority with a key of its own, under another or by itself. */
  authority(name: string, algorithm: 'rsa' | 'ec', under?: string): X509Certificate {
    const how =
      algorithm === 'rsa' ? ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048'] : ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256'];
    this.run('genpkey', '-algorithm', ...how, '-out', `${name}.key`);
    this.run('pkey', '-in', `${name}.key`, '-pubout', '-out', `${name}.pub`);
    const by =
      under === undefined
        ? ['-key', `${name}.key`]
        : ['-force_pubkey', `${name}.pub`, '-CA', `${under}.pem`, '-CAkey', `${under}.key`];
    return this.certificate(name, by, 'basicConstraints=critical,CA:TRUE\n');
  }

  /** The certificate of an endorsement key, given as PEM. */
  endorsed(name: string, pem: string, under: string): X509Certificate {
    writeFileSync(join(this.folder, `${name}.pub`), pem);
    return this.certificate(
      name,
      ['-force_pubkey', `${name}.pub`, '-CA', `${under}.pem`, '-CAkey', `${under}.key`],
      'basicConstraints=CA:FALSE\n',
    );
  }

  /** A list as PEM, by the key in `NAME.key` beside `NAME.pem`. */
  list(name: string, of: ListOf = {}, files = { key: `${name}.key`, cert: `${name}.pem` }): string {
    const { revoked = [], days = 30, digest = 'sha256', extensions } = of;
    const at = `list-${(this.count += 1)}`;
    const index = revoked.map(
      ({ serialNumber }) => `R\t491231235959Z\t261101000000Z\t${serialNumber}\tunknown\t/CN=x\n`,
    );
    writeFileSync(join(this.folder, `${at}.txt`), index.join(''));
    const more = extensions === undefined ? '' : `crl_extensions=more\n[more]\n${extensions}\n`;
    writeFileSync(
      join(this.folder, `${at}.cnf`),
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${at}.txt\ndefault_md=${digest}\n${more}`,
    );
    const stamp = (ms: number): string => new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
    const day = 86_400_000;
    const times = ['-crl_lastupdate', stamp(Date.now() - 60 * day), '-crl_nextupdate', stamp(Date.now() + days * day)];
    this.run(
      'ca',
      '-gencrl',
      '-config',
      `${at}.cnf`,
      '-keyfile',
      files.key,
      '-cert',
      files.cert,
      ...times,
      '-out',
      `${at}.crl`,
    );
    return readFileSync(join(this.folder, `${at}.crl`), 'utf8');
  }
}
