import type { Command } from 'commander';
import { examples, type Run } from './command-context.js';

/** `reseal completion SHELL`, and what its scripts ask. */
export function completionCommands(program: Command, run: Run): void {
  program
    .command('completion')
    .argument('<shell>', 'bash, zsh or fish')
    .description('a script that makes your shell complete commands, options, profiles and event ids')
    .addHelpText(
      'after',
      examples(
        'reseal completion bash > ~/.local/share/bash-completion/completions/reseal',
        'reseal completion zsh > "${fpath[1]}/_reseal"',
        'reseal completion fish > ~/.config/fish/completions/reseal.fish',
        'source <(reseal completion bash)   # for this shell alone',
      ),
    )
    .action((shell: string, _options: object, command: Command) =>
      run(command, async (session) => (await import('../actions/completion.js')).printScript(session, shell)),
    );
  program
    .command('complete', { hidden: true })
    .argument('<line>', 'a command line as far as the cursor')
    .description('what may stand at the cursor: asked by the completion scripts')
    .addHelpText('after', examples("reseal complete -- 'reseal breakglass --reason-code '"))
    .action((line: string, _options: object, command: Command) =>
      run(command, async (session) =>
        (await import('../actions/completion.js')).completeLine(program, line, session.io),
      ),
    );
}
