import { spawn } from 'node:child_process';
import { deliveryText, SinkFailure, type SecretSink, type SinkFailureCode } from './sink.js';

/** What a program needs to find itself and its own settings; nothing of the role's is handed on. */
const HANDED_ON = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'SSL_CERT_FILE', 'SSL_CERT_DIR'] as const;

/**
 * A program that puts the secret where it belongs: a vault, a secret manager. It gets one line of JSON on standard input and
 * answers with its exit status alone. The secret is in no argument and no variable, and what the program prints goes
 * nowhere, because it may print what it was given.
 *
 * `command` is the program's path and its arguments, started without a shell.
 */
export function execSink(command: readonly [string, ...string[]], timeoutMs: number): SecretSink {
  const [program, ...argv] = command;
  const env = Object.fromEntries(HANDED_ON.flatMap((name) => (name in process.env ? [[name, process.env[name]]] : [])));
  return {
    deliver: (delivery) =>
      new Promise((resolve, reject) => {
        const child = spawn(program, argv, { env, shell: false, stdio: ['pipe', 'ignore', 'ignore'] });
        const fail = (code: SinkFailureCode): void => {
          clearTimeout(timer);
          child.kill('SIGKILL');
          reject(new SinkFailure(code));
        };
        const timer = setTimeout(() => fail('sink_timed_out'), timeoutMs);
        child.on('error', () => fail('sink_cannot_start'));
        // A program that does not read to the end breaks the pipe: its exit status says whether it has the secret.
        child.stdin.on('error', () => undefined);
        child.stdin.end(deliveryText(delivery));
        child.on('close', (status) => {
          if (status !== 0) return fail('sink_exited');
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}
