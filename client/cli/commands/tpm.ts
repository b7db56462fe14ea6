import type { Command } from 'commander';
import type { TpmAttestOptions } from '../actions/tpm-attest.js';
import type { TpmMakeKeysOptions } from '../actions/tpm-make-keys.js';
import type { TpmVerifyOptions } from '../actions/tpm-verify.js';
import type { TpmEnrollOptions } from '../actions/tpm-enroll.js';
import { examples, type Run } from './command-context.js';

const FILES = `
Files: the quote is the signed bytes (TPMS_ATTEST), the signature as the TPM gave it (TPMT_SIGNATURE), the PCR values JSON of
the form {"sha256": {"0": "<hex>", "7": "<hex>"}}, the event log as in /sys/kernel/security/tpm0/binary_bios_measurements.
`;

const repeated = (file: string, before: string[] = []): string[] => [...before, file];

/** `reseal tpm verify|attest|make-keys|enroll|accept`. */
export function tpmCommands(program: Command, run: Run): void {
  const tpm = program
    .command('tpm')
    .description('what machines attest of themselves by their TPM')
    .addHelpText('after', examples('reseal tpm verify --help'));
  tpm
    .command('verify')
    .description('judge a quote offline, from the files alone; exit status 7 when anything is wrong')
    .requiredOption('--quote <file>', 'what the TPM signed')
    .requiredOption('--signature <file>', 'its signature')
    .requiredOption('--ak <file>', 'the key that must have signed it: PEM, TPM2B_PUBLIC or TPMT_PUBLIC')
    .requiredOption('--pcrs <file>', 'the values that were quoted')
    .option('--nonce <hex>', 'the nonce that the quote must answer, at least 16 bytes')
    .option('--event-log <file>', "the firmware's log, which must lead to the quoted values")
    .option('--policy <file>', 'the values that are allowed')
    .option('--ek <file>', 'the endorsement key that the key must lie under: TPM2B_PUBLIC or TPMT_PUBLIC')
    .option('--earlier <file>', 'an earlier quote by the same key: nothing may have gone back since')
    .option('--earlier-signature <file>', 'its signature')
    .option('--rebooted', 'the machine must have been reset since the earlier quote')
    .addHelpText(
      'after',
      FILES +
        examples(
          'reseal tpm verify --quote quote.msg --signature quote.sig --ak ak.tpm2b_public --pcrs pcrs.json --nonce 4e4e…',
          'reseal tpm verify --quote quote.msg --signature quote.sig --ak ak.pem --pcrs pcrs.json \\\n      --event-log binary_bios_measurements --policy hosts.yaml -o json',
        ),
    )
    .action((options: TpmVerifyOptions, command: Command) =>
      run(command, async (session) => (await import('../actions/tpm-verify.js')).verifyTpmQuote(session, options)),
    );
  tpm
    .command('attest')
    .argument('<host>', 'an enrolled host by its name, or any by the URL of its agent, such as https://host:8520')
    .description('ask a host for a quote and judge it; exit status 6 when the host is away, 7 when anything is wrong')
    .option('--hosts <file>', 'by name: where agents are (reseal.hosts.v1)')
    .option('--references <folder>', 'by name: where the references of enrolled hosts lie')
    .option('--ak <file>', 'by URL: the key that must sign, as PEM, TPM2B_PUBLIC or TPMT_PUBLIC')
    .option('--select <pcrs>', 'such as sha256:0,4,7 (those that the policy names, or sha256:0 to 7)')
    .option('--policy <file>', 'the values that are allowed')
    .option('--ek <file>', 'the endorsement key: the host must open a credential made for both keys')
    .option('--event-log', "ask for the firmware's log too, which must lead to the quoted values")
    .option('--earlier <file>', 'an earlier quote by the same key: nothing may have gone back since')
    .option('--earlier-signature <file>', 'its signature')
    .option('--rebooted', 'the machine must have been reset since the earlier quote')
    .option('--token-file <file>', 'the token of the agent')
    .option('--tls-key <file>', 'key of our certificate, PEM')
    .option('--tls-cert <file>', 'our certificate, PEM')
    .option('--tls-ca <file>', "the authority of the agent's certificate, PEM")
    .option('--out <folder>', 'keep what the host showed in this folder, for reseal tpm verify')
    .addHelpText(
      'after',
      examples(
        'reseal tpm attest vault-1 --hosts /etc/reseal/hosts.yaml --references /etc/reseal/references',
        'reseal tpm attest http://127.0.0.1:8520 --token-file attest.token --ak ak.tpm2b_public --out before',
        'reseal tpm attest http://127.0.0.1:8520 --token-file attest.token --ak ak.tpm2b_public \\\n      --earlier before/quote.msg --earlier-signature before/quote.sig --rebooted --policy hosts.yaml',
      ),
    )
    .action((host: string, options: TpmAttestOptions, command: Command) =>
      run(command, async (session) => (await import('../actions/tpm-attest.js')).attestHost(session, host, options)),
    );
  tpm
    .command('make-keys')
    .description('on the host: have its TPM make the two keys that attestation needs, where they are not there yet')
    .option('--tpm <address>', '/dev/tpmrm0, or for swtpm unix:/path or tcp:host:port', '/dev/tpmrm0')
    .option('--ek <handle>', 'persistent handle of the endorsement key', '0x81010001')
    .option('--ak <handle>', 'persistent handle of the attestation key', '0x81010002')
    .option('--scheme <scheme>', 'rsassa, rsapss or ecdsa', 'rsassa')
    .option(
      '--out <folder>',
      'write ek.tpm2b_public and ak.tpm2b_public there, for --ek and --ak of the other commands',
    )
    .addHelpText(
      'after',
      examples('reseal tpm make-keys', 'reseal tpm make-keys --ak 0x81010004 --scheme ecdsa --out keys -o json'),
    )
    .action((options: TpmMakeKeysOptions, command: Command) =>
      run(command, async (session) => (await import('../actions/tpm-make-keys.js')).makeTpmKeys(session, options)),
    );
  tpm
    .command('enroll')
    .argument('<host>', 'how the configuration calls it')
    .argument('<url>', 'where its agent is, such as https://host:8520')
    .description('write down which TPM a host has and what its PCRs are now, and sign that they are good')
    .requiredOption('--label <text>', 'what these values stand for, such as "shim 15.8, kernel 6.1.0-28"')
    .requiredOption('--references <folder>', "where references lie: the verifier's references_path")
    .option('--roots <file>', "certificates of the TPM's vendor that are trusted, PEM")
    .option('--chain <file>', "certificates between the TPM's own and the roots, PEM")
    .option('--crls <file>', "the vendor's lists of revoked certificates, PEM or DER; may be given again", repeated)
    .option('--without-certificate', 'you know otherwise which TPM this is')
    .option('--select <pcrs>', 'such as sha256:0,4,7 (sha256:0 to 7)')
    .option('--event-log', "the firmware's log must lead to the values, now and at every attestation")
    .option('--per-component', 'record what is measured into each PCR by that log, instead of its whole value')
    .option('--token-file <file>', 'the token of the agent')
    .option('--tls-key <file>', 'key of our certificate, PEM')
    .option('--tls-cert <file>', 'our certificate, PEM')
    .option('--tls-ca <file>', "the authority of the agent's certificate, PEM")
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      examples(
        'reseal tpm enroll vault-1 https://vault-1:8520 --label "installed 2026-11" --roots vendor.pem \\\n      --references /etc/reseal/references --tls-key me.key --tls-cert me.pem --tls-ca hosts.pem',
      ),
    )
    .action((host: string, url: string, options: TpmEnrollOptions, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/tpm-enroll.js')).enrollHost(session, host, url, options),
      ),
    );
  tpm
    .command('accept')
    .argument('<file>', 'a reference that somebody enrolled')
    .description("sign somebody else's reference of a host, where it takes more than one")
    .option('--yes', 'do not ask')
    .addHelpText('after', examples('reseal tpm accept /etc/reseal/references/vault-1.2.json'))
    .action((file: string, options: { yes?: boolean }, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/tpm-accept.js')).acceptReference(session, file, options),
      ),
    );
}
