import { DEFAULT_PLAYBOOK, type Playbook } from '../domain/incidents/playbook.js';
import { digestOf } from '../proofs/canonical-json.js';
import { readPlaybooksFile } from './policy-files.js';
import type { WorkerSettings } from './settings.js';

/** How the settings name the playbook that is built in. */
const BUILT_IN = 'built-in';

/** By which playbooks a process judges: the members of the roles' rules. */
export interface PlaybooksInForce {
  playbook: Playbook;
  playbookDigest?: string;
  playbooks?: ReadonlyMap<string, Playbook>;
}

/**
 * The playbooks of a process: its file's and those before it; the built-in one alone where no file is named. Throws as
 * `readPlaybooksFile` does.
 */
export async function readPlaybooks({ recovery }: Pick<WorkerSettings, 'recovery'>): Promise<PlaybooksInForce> {
  const { playbooks_path, former_playbooks_paths } = recovery;
  if (playbooks_path === undefined) return { playbook: DEFAULT_PLAYBOOK };
  const current = await readPlaybooksFile(playbooks_path);
  const former = await Promise.all(
    former_playbooks_paths.map(async (path) =>
      path === BUILT_IN ? { playbook: DEFAULT_PLAYBOOK, digest: digestOf(DEFAULT_PLAYBOOK) } : readPlaybooksFile(path),
    ),
  );
  const playbooks = new Map([current, ...former].map(({ playbook, digest }) => [digest, playbook]));
  return { playbook: current.playbook, playbookDigest: current.digest, playbooks };
}
