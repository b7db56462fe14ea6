import type { Session } from '../session.js';

export interface WorkerOptions {
  roles?: string;
  config?: string;
}

/** `reseal worker`: answers the exit status when the process has been asked to stop, or could not start. */
export async function playRoles(session: Session, options: WorkerOptions): Promise<number> {
  const { workerCommand } = await import('../../../workers/worker-command.js');
  return workerCommand(options, session.io);
}
