import { graphAccess, loopbackAccess, type GraphAccess } from '../activities/graph/wire/graph-access.js';
import type { Role } from '../domain/roles.js';
import { SettingsError } from './settings-error.js';
import type { graphOf } from './settings.js';

/**
 * The Graph access of one role's identity, over the wire that its settings name. `permissions` and `tells_time` are for the
 * simulator. Throws SettingsError where a certificate is wanted and none is named.
 */
export function graphIdentity(
  role: Role,
  graph: NonNullable<ReturnType<typeof graphOf>>,
  simulated: { permissions: readonly string[]; tells_time?: boolean },
): GraphAccess {
  const { application_id } = graph;
  if (graph.mode === 'loopback') return loopbackAccess({ application_id, base_url: graph.url, ...simulated });
  if (graph.credential !== 'client_certificate')
    return graphAccess({ application_id, credential: { kind: graph.credential } });
  if (graph.certificate_path === undefined) {
    throw new SettingsError(
      'settings_invalid',
      `${role}.graph.certificate_path: credential client_certificate needs the path of a PEM file`,
    );
  }
  return graphAccess({ application_id, credential: { kind: 'certificate', certificate_path: graph.certificate_path } });
}
