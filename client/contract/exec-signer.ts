import { spawn } from 'node:child_process';
import { ResealError } from '../api/reseal-error.js';
import { splitLine } from '../cli/completion/command-line.js';

const MAX_ANSWER_BYTES = 4096;
const SIGNATURE_BYTES = 64;

/**
 * Asks a program for a signature, so that the key can live in an HSM or a KMS: it gets the bytes to be signed on standard
 * input (the DSSE pre-authentication encoding; Ed25519 signs them as they are, unhashed) and answers the 64 bytes of the
 * signature, raw or in base64, on standard output. It may ask its person on standard error and the terminal.
 *
 * `command` is split into words as a shell would, quotes included, and started without one: nothing in it is expanded.
 *
 * @throws {ResealError} `key_unusable`: it cannot be started, exits with another status than 0, answers something else or
 * nothing in time. What it answered is never in a message.
 */
export async function execSignature(
  command: string,
  bytes: Uint8Array,
  options: { cwd: string; env: Readonly<Record<string, string | undefined>>; timeoutMs: number },
): Promise<Buffer> {
  // `splitLine` takes the first word for the name of what completes; here it is the program.
  const { words, current } = splitLine(`reseal ${command} `);
  const [program, ...argv] = words;
  if (program === undefined || current !== '') throw unusable('--signer names no command, or leaves a quote open');
  const answer = await new Promise<Buffer>((resolve, reject) => {
    const child = spawn(program, argv, {
      cwd: options.cwd,
      env: options.env,
      shell: false,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const parts: Buffer[] = [];
    let length = 0;
    const fail = (why: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      child.stdout.destroy();
      reject(unusable(`--signer ${program} ${why}`));
    };
    const timer = setTimeout(() => fail(`gave no signature within ${options.timeoutMs / 1000} s`), options.timeoutMs);
    child.on('error', (error: NodeJS.ErrnoException) => fail(`cannot be started: ${error.code ?? 'unknown error'}`));
    child.stdout.on('data', (part: Buffer) => {
      length += part.length;
      if (length > MAX_ANSWER_BYTES) fail(`answered more than ${MAX_ANSWER_BYTES} bytes: expected a signature alone`);
      else parts.push(part);
    });
    // A program that signs without reading to the end breaks the pipe: its answer says whether it signed these bytes.
    child.stdin.on('error', () => undefined);
    child.stdin.end(bytes);
    child.on('close', (status, signal) => {
      if (status !== 0) return fail(signal === null ? `exited with status ${status ?? 0}` : `was ended by ${signal}`);
      clearTimeout(timer);
      resolve(Buffer.concat(parts));
    });
  });
  const signature = signatureIn(answer);
  if (signature !== undefined) return signature;
  throw unusable(`--signer ${program} answered no signature: expected 64 bytes, raw or in base64`);
}

/** 64 raw bytes, or the base64 or base64url of 64 bytes with white space around it: never both, by length. */
function signatureIn(answer: Buffer): Buffer | undefined {
  if (answer.length === SIGNATURE_BYTES) return answer;
  const text = answer.toString('latin1').trim();
  if (!/^[A-Za-z0-9+/_-]{86}(==)?$/.test(text)) return undefined;
  const bytes = Buffer.from(text.replaceAll('-', '+').replaceAll('_', '/'), 'base64');
  return bytes.length === SIGNATURE_BYTES ? bytes : undefined;
}

const unusable = (message: string): ResealError =>
  new ResealError('key_unusable', message, { hint: 'docs/contract.md says what a signer command gets and answers' });
