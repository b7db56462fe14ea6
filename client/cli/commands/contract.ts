import type { Command } from 'commander';
import type { KeygenOptions, RootsOptions } from '../actions/contract-keys.js';
import type { PublishOptions } from '../actions/contract-publish.js';
import type { FetchOptions } from '../actions/contract-read.js';
import type { RevokeOptions } from '../actions/contract-revoke.js';
import type { ContractOptions, SigningOptions } from '../contract-place.js';
import { examples, type Run } from './command-context.js';

const DIGEST = '9f2c4be1a07d53886e1f90b4c2d7a3586fe0914b7c28d5a3e6f1b09c8d4a7252';
const SIGNING = `
--key takes an unencrypted Ed25519 key file (PKCS#8 PEM, mode 0600), once a signer. --signer starts a command for a key that
lives elsewhere: it reads the bytes to be signed on standard input and answers the signature, 64 bytes raw or in base64.
`;
const many = (value: string, before: string[] = []): string[] => [...before, value];

/** `reseal contract publish|sign|fetch|verify|list|diff|revoke|keygen|roots`. */
export function contractCommands(program: Command, run: Run): void {
  const contract = program
    .command('contract')
    .description('work policy contracts, rosters and lists of revocations: sign, publish, verify')
    .addHelpText(
      'after',
      examples(
        'reseal contract keygen ann.pem',
        'reseal contract roots roots.json --add ann=ann.pem.pub --add ben=ben.pem.pub',
        'reseal contract publish policy.yaml --key ann.pem --key ben.pem --registry contracts --roots roots.json',
        'reseal contract list --registry contracts --roots roots.json',
      ),
    );
  const place = (command: Command): Command =>
    command
      .option('--registry <dir>', 'a directory, or the https address of a registry (RESEAL_REGISTRY)')
      .option('--roots <file>', 'who may sign (RESEAL_CONTRACT_ROOTS)');
  const signing = (command: Command): Command =>
    place(command)
      .option('--key <file>', "a signer's key; again for each further one")
      .option('--signer <command>', 'a command that signs; again for each further one', many)
      .option('--signer-timeout <time>', 'how long such a command may take (1m)');

  signing(contract.command('publish').argument('<file>', 'policy with a contract section; with --roster a roster'))
    .option('--roster', 'publish a roster')
    .option('--series <name>', 'with --roster: of which series (the only one there is)')
    .option('--number <n>', 'with --roster: which version (one more than the highest there is)')
    .option('--valid-from <time>', 'with --roster: from when on (now)')
    .option('--valid-until <time>', 'with --roster: until when')
    .description('sign a version and put it into the registry; with too few signatures it waits for contract sign')
    .addHelpText(
      'after',
      SIGNING +
        examples(
          'reseal contract publish policy.yaml --key ann.pem --key ben.pem',
          'reseal contract publish policy.yaml --signer "hsm-sign --slot 3"',
          'reseal contract publish roster.yaml --roster --series people --valid-until 2027-06-01T00:00:00Z --key ann.pem --key ben.pem',
        ),
    )
    .action((file: string, options: PublishOptions, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/contract-publish.js')).publishContract(session, file, options),
      ),
    );

  signing(contract.command('sign').argument('<name>', 'digest; of a list of revocations its number'))
    .option('--roster', 'a roster')
    .option('--revocations', 'a list of revocations')
    .option('--yes', 'sign without asking')
    .description('add a signature to what others published')
    .addHelpText(
      'after',
      SIGNING +
        examples(`reseal contract sign ${DIGEST} --key ben.pem`, 'reseal contract sign 4 --revocations --key ben.pem'),
    )
    .action((name: string, options: SigningOptions, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/contract-sign.js')).signContract(session, name, options),
      ),
    );

  place(contract.command('fetch').argument('<name>', 'digest; of a list of revocations its number'))
    .option('--roster', 'a roster')
    .option('--revocations', 'a list of revocations')
    .option('--envelope', 'the signed envelope instead of what it says')
    .option('--out <file>', 'write it there (standard output)')
    .option('--force', 'overwrite the file')
    .option('--unverified', 'also when too few signed it, to read it before signing')
    .description('what a signed document says, once its signatures are verified; exit status 7 when they are wrong')
    .addHelpText(
      'after',
      examples(`reseal contract fetch ${DIGEST}`, `reseal contract fetch ${DIGEST} --envelope --out contract.json`),
    )
    .action((name: string, options: FetchOptions, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/contract-read.js')).fetchContract(session, name, options),
      ),
    );

  place(contract.command('verify').argument('<name>', 'digest, number of a list, or a file with an envelope'))
    .option('--roster', 'a roster')
    .option('--revocations', 'a list of revocations')
    .description('whose signatures it has and whether it is in force')
    .addHelpText(
      'after',
      '\nExit status: 0 in force, 3 signed and not in force, 7 not signed by enough, or changed.\n' +
        examples(`reseal contract verify ${DIGEST}`, 'reseal contract verify contract.json --roots roots.json'),
    )
    .action((name: string, options: ContractOptions, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/contract-read.js')).verifyContract(session, name, options),
      ),
    );

  place(contract.command('list'))
    .option('--roster', 'rosters only')
    .option('--revocations', 'lists of revocations only')
    .description('what the registry has, and how each of it stands')
    .addHelpText('after', examples('reseal contract list', 'reseal contract list --roster -o json'))
    .action((options: ContractOptions, command: Command) =>
      run(command, async (session) => (await import('../actions/contract-read.js')).listContracts(session, options)),
    );

  place(contract.command('diff').argument('<before>', 'digest or file').argument('<after>', 'digest or file'))
    .option('--roster', 'two rosters')
    .description('what changed from one version to another, member by member')
    .addHelpText('after', examples(`reseal contract diff ${DIGEST} policy.yaml`))
    .action((before: string, after: string, options: ContractOptions, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/contract-diff.js')).diffContracts(session, before, after, options),
      ),
    );

  signing(contract.command('revoke').argument('[digests...]', 'contracts or rosters; none renews the list'))
    .option('--keyid <id>', "a signer's key to take back; again for each further one", many)
    .option('--fresh-until <time>', 'until when this list counts (30 days from now)')
    .description('publish the next list of revocations: all of the newest, and these')
    .addHelpText(
      'after',
      SIGNING +
        '\nFrom the end of its freshness on nothing is granted until there is a newer list. What stands is ended all the same.\n' +
        examples(
          `reseal contract revoke ${DIGEST} --key ann.pem --key ben.pem`,
          'reseal contract revoke --key ann.pem --key ben.pem --fresh-until 2026-12-31T00:00:00Z',
        ),
    )
    .action((digests: string[], options: RevokeOptions, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/contract-revoke.js')).revokeContracts(session, digests, options),
      ),
    );

  contract
    .command('keygen')
    .argument('<file>', 'where the private key goes, mode 0600; the public one beside it, .pub')
    .description("make a signer's key")
    .addHelpText('after', examples('reseal contract keygen ann.pem'))
    .action((file: string, options: KeygenOptions, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/contract-keys.js')).makeSignerKey(session, file, options),
      ),
    );

  contract
    .command('roots')
    .argument('[file]', 'contract roots (RESEAL_CONTRACT_ROOTS)')
    .option('--add <name=file>', 'a signer and the file of their public key; again for each further one', many)
    .option('--signs <kinds>', 'with --add: contract, roster and revocations, separated by commas (all)')
    .option('--valid-from <time>', 'with --add: from when on (now)')
    .option('--valid-until <time>', 'with --add: until when (a year from then)')
    .option('--revoke <keyid>', 'a key that counts no more; again for each further one', many)
    .option('--threshold <n>', 'how many signers it takes (2)')
    .description('who may sign: show the file, or add and take back keys')
    .addHelpText(
      'after',
      examples(
        'reseal contract roots roots.json --add ann=ann.pem.pub --add ben=ben.pem.pub',
        `reseal contract roots roots.json --revoke ${DIGEST}`,
        'reseal contract roots',
      ),
    )
    .action((file: string | undefined, options: RootsOptions, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/contract-keys.js')).contractRootsFile(session, file, options),
      ),
    );
}
