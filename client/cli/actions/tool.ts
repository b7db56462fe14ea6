import { request } from 'node:http';
import { toolPath } from '../../../domain/job.js';
import { jobToolOf, kindOfTool } from '../../../domain/job-tools.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import type { Session } from '../session.js';

/** `reseal tool NAME`: for a command under `reseal exec`. Answers the JSON that its helper answers. */
export async function callTool(session: Session, name: string, { body = '{}' }: { body?: string }): Promise<number> {
  const socketPath = session.io.env['RESEAL_TOOLS_SOCKET'];
  if (socketPath === undefined)
    throw new ResealError('usage', 'tools are called by a job', { hint: 'reseal exec EVENT -- COMMAND' });
  const tool = jobToolOf(kindOfJob(session), name) ?? name;
  const { status, text } = await post(socketPath, toolPath(encodeURIComponent(tool)), body);
  session.data(text);
  if (status === 200) return EXIT.done;
  if (status === 403) return EXIT.refused;
  return status >= 500 ? EXIT.unreachable : EXIT.usage;
}

/** The job was let in for tools of one kind: they say which. */
const kindOfJob = ({ io }: Session) =>
  io.env['RESEAL_TOOLS']
    ?.split(' ')
    .map((tool) => kindOfTool(tool))
    .find((kind) => kind !== undefined) ?? 'entra.directory_role';

function post(socketPath: string, path: string, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const failed = (cause: unknown): void =>
      reject(new ResealError('gateway_unreachable', 'the helper of `reseal exec` does not answer', { cause }));
    const sent = request({ socketPath, path, method: 'POST', headers: { 'content-type': 'application/json' } });
    sent.once('error', failed);
    sent.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', failed);
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    sent.end(body);
  });
}
