import type { Command } from 'commander';
import type { AttestAgentCommandOptions } from '../actions/attest-agent.js';
import { examples, type Run } from './command-context.js';

const WHO = `
Callers show a token (--token-file) or a certificate (--tls-key, --tls-cert and --client-ca together): one of the two is
needed, and a token alone only on a loopback address.
`;

/** `reseal attest-agent`. */
export function attestAgentCommand(program: Command, run: Run): void {
  program
    .command('attest-agent')
    .description("answer for this host's TPM: quotes and credential activation, over HTTP")
    .option('--tpm <address>', '/dev/tpmrm0, or for swtpm unix:/path or tcp:host:port', '/dev/tpmrm0')
    .requiredOption('--ak <handle>', 'persistent handle of the attestation key, such as 0x81010002')
    .option('--ek <handle>', 'persistent handle of the endorsement key, for credential activation')
    .option('--event-log <file>', "the firmware's log, such as /sys/kernel/security/tpm0/binary_bios_measurements")
    .option('--listen <address>', 'host and port', '127.0.0.1:8520')
    .option('--token-file <file>', 'a file with the token that callers show')
    .option('--tls-key <file>', 'key of this agent, PEM')
    .option('--tls-cert <file>', 'certificate of this agent, PEM')
    .option('--client-ca <file>', 'authorities whose certificates callers show, PEM')
    .addHelpText(
      'after',
      WHO +
        examples(
          'reseal attest-agent --ak 0x81010002 --ek 0x81010001 --token-file /etc/reseal/attest.token',
          'reseal attest-agent --ak 0x81010002 --listen 10.0.0.7:8520 \\\n      --tls-key host.key --tls-cert host.pem --client-ca verifiers.pem',
        ),
    )
    .action((options: AttestAgentCommandOptions, command: Command) =>
      run(command, async (session) => (await import('../actions/attest-agent.js')).runAttestAgent(session, options)),
    );
}
