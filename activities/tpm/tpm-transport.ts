import { open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { TpmError } from './tpm-error.js';

/** Carries one command at a time to a TPM and its response back, both as raw bytes. */
export interface TpmTransport {
  /** Rejects with {@link TpmError} `unreachable` or `malformed`; the transport is then closed. */
  send(command: Buffer): Promise<Buffer>;
  close(): Promise<void>;
}

/** Where a TPM is: a device such as `/dev/tpmrm0`, or swtpm's socket for raw commands. */
export type TpmAddress = { device: string } | { socket: string } | { host: string; port: number };

const HEADER_BYTES = 10;
/** No response of the commands used here is longer (TPM 2.0 PC Client Profile: 4096). */
const MAX_RESPONSE_BYTES = 4096;
/** What is asked for while a host runs takes a second. */
const ANSWER_MS = 30_000;
/** Making an RSA key takes a slow TPM a minute. */
export const MAKING_MS = 300_000;

/** Reads `/dev/tpmrm0`, `unix:/path` or `tcp:host:port`; undefined for anything else. */
export function parseTpmAddress(text: string): TpmAddress | undefined {
  if (/^unix:.+$/.test(text)) return { socket: text.slice('unix:'.length) };
  const [, host, port] = /^tcp:([^:]+):(\d{1,5})$/.exec(text) ?? [];
  if (host !== undefined && port !== undefined) return { host, port: Number(port) };
  return text.startsWith('/') ? { device: text } : undefined;
}

/** `answerMs` is how long one command may take. Throws TpmError `unreachable`. */
export async function openTpm(address: TpmAddress, answerMs = ANSWER_MS): Promise<TpmTransport> {
  if ('device' in address) return openDevice(address.device, answerMs);
  return new SocketTransport(await connected(address), answerMs);
}

/** The kernel's resource manager: one write is one command, one read its whole response. */
async function openDevice(path: string, answerMs: number): Promise<TpmTransport> {
  const file = await open(path, 'r+').catch((error: NodeJS.ErrnoException) => {
    throw new TpmError('unreachable', `${path} cannot be opened: ${error.code ?? 'unknown error'}`, { cause: error });
  });
  return {
    send: async (command) => {
      const answered = (async (): Promise<Buffer> => {
        await file.write(command, 0, command.length, null);
        const buffer = Buffer.alloc(MAX_RESPONSE_BYTES);
        const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
        return buffer.subarray(0, bytesRead);
      })();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer within ${answerMs / 1000} s`)), answerMs);
      });
      try {
        return await Promise.race([answered, late]);
      } catch (error) {
        throw new TpmError('unreachable', `${path} gave no answer`, { cause: error });
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => file.close(),
  };
}

async function connected(address: Exclude<TpmAddress, { device: string }>): Promise<Socket> {
  const socket = 'socket' in address ? connect(address.socket) : connect(address.port, address.host);
  const where = 'socket' in address ? address.socket : `${address.host}:${address.port}`;
  return new Promise((resolve, reject) => {
    const fail = (error?: NodeJS.ErrnoException): void => {
      socket.destroy();
      // swtpm serves one connection at a time, and lets hardly any wait.
      const code = error?.code === 'EAGAIN' ? 'busy' : 'unreachable';
      const why = error?.code ?? 'it took too long';
      reject(new TpmError(code, `no TPM answers at ${where}: ${why}`, { cause: error }));
    };
    socket.setTimeout(ANSWER_MS, fail);
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.removeListener('error', fail);
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}

class SocketTransport implements TpmTransport {
  constructor(
    private readonly socket: Socket,
    private readonly answerMs: number,
  ) {
    // Between commands nobody waits; the next command finds the socket closed.
    socket.on('error', () => socket.destroy());
  }

  async send(command: Buffer): Promise<Buffer> {
    const { socket, answerMs } = this;
    if (socket.destroyed) throw new TpmError('unreachable', 'the connection to the TPM is gone');
    return new Promise<Buffer>((resolve, reject) => {
      let received = Buffer.alloc(0);
      const settle = (error: TpmError | undefined, response?: Buffer): void => {
        clearTimeout(timer);
        socket.off('data', take).off('close', gone);
        if (error !== undefined) socket.destroy();
        if (response === undefined) reject(error ?? new TpmError('unreachable', 'no answer'));
        else resolve(response);
      };
      const gone = (): void => settle(new TpmError('unreachable', 'the TPM ended the connection'));
      const late = (): void => settle(new TpmError('unreachable', `no answer within ${answerMs / 1000} s`));
      const take = (bytes: Buffer): void => {
        received = Buffer.concat([received, bytes]);
        if (received.length < HEADER_BYTES) return;
        const size = received.readUInt32BE(2);
        if (size < HEADER_BYTES || size > MAX_RESPONSE_BYTES || received.length > size)
          settle(new TpmError('malformed', 'the answer is not as long as it says'));
        else if (received.length === size) settle(undefined, received);
      };
      const timer = setTimeout(late, answerMs);
      socket.on('data', take).on('close', gone);
      socket.write(command);
    });
  }

  async close(): Promise<void> {
    this.socket.destroy();
  }
}
