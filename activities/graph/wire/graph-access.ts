import type { Client } from '@microsoft/microsoft-graph-client';
import { ClientCertificateCredential, ManagedIdentityCredential, WorkloadIdentityCredential } from '@azure/identity';
import type { TokenCredential } from '@azure/identity';

import { graphClient } from './graph-client.js';
import { LoopbackTransport } from './loopback-transport.js';

/** A client for one tenant, and whether its calls tell a simulator what time the caller lives in. */
export interface GraphConnection {
  readonly client: Client;
  readonly tellsTime: boolean;
}

/** One identity's way into Graph. */
export interface GraphAccess {
  clientFor(tenantId: string): GraphConnection;
  /** The application id under which the calls for this tenant are made, lower case. */
  applicationId(tenantId: string): string;
}

/**
 * Where a real identity's proof comes from. None of these is a secret by itself: the certificate is a file with the
 * private key, the federated token one that the platform renews.
 */
export type GraphCredential =
  | { readonly kind: 'certificate'; readonly certificate_path: string; readonly send_certificate_chain?: boolean }
  | { readonly kind: 'workload_identity'; readonly token_file_path?: string }
  | { readonly kind: 'managed_identity' };

/** Microsoft Graph itself. `application_id` is that of the app registration or of the user-assigned managed identity. */
export interface GraphService {
  readonly application_id: string;
  readonly credential: GraphCredential;
}

/** A simulator on this machine; `permissions` are the application permissions that the token carries, empty = all. */
export interface LoopbackService {
  readonly application_id: string;
  readonly base_url: string;
  readonly permissions: readonly string[];
  /** False for a caller that takes its time from the simulator instead; true when left out. */
  readonly tells_time?: boolean;
}

/** Access to Microsoft Graph with a real credential. There is no way from here to a loopback transport. */
export function graphAccess(service: GraphService): GraphAccess {
  return accessOf(service.application_id, (tenantId) => ({
    client: graphClient({ credential: credentialFor(service, tenantId) }),
    tellsTime: false,
  }));
}

/**
 * Access to a simulator with tokens of its own form, which carry no secret and mean nothing anywhere else.
 * Throws a TypeError where the base URL is not a loopback one.
 */
export function loopbackAccess(service: LoopbackService): GraphAccess {
  const transport = new LoopbackTransport(service.base_url);
  return accessOf(service.application_id, (tenantId) => ({
    client: graphClient({ credential: localCredential(service, tenantId), transport }),
    tellsTime: service.tells_time ?? true,
  }));
}

function accessOf(applicationId: string, connect: (tenantId: string) => GraphConnection): GraphAccess {
  const connections = new Map<string, GraphConnection>();
  return {
    applicationId: () => applicationId.toLowerCase(),
    clientFor(tenantId) {
      const known = connections.get(tenantId);
      if (known !== undefined) return known;
      const connection = connect(tenantId);
      connections.set(tenantId, connection);
      return connection;
    },
  };
}

/** Always a named kind: a chain that tries one credential after another would run as whatever happens to be there. */
function credentialFor({ application_id, credential }: GraphService, tenantId: string): TokenCredential {
  switch (credential.kind) {
    case 'certificate':
      return new ClientCertificateCredential(tenantId, application_id, credential.certificate_path, {
        sendCertificateChain: credential.send_certificate_chain ?? false,
      });
    case 'workload_identity': {
      const { token_file_path } = credential;
      const file = token_file_path === undefined ? {} : { tokenFilePath: token_file_path };
      return new WorkloadIdentityCredential({ tenantId, clientId: application_id, ...file });
    }
    case 'managed_identity':
      return new ManagedIdentityCredential({ clientId: application_id });
  }
}

const HOUR_MS = 3_600_000;

function localCredential({ application_id, permissions }: LoopbackService, tenantId: string): TokenCredential {
  const token = ['sim', tenantId, application_id, permissions.join('+')].filter((part) => part !== '').join('.');
  return { getToken: () => Promise.resolve({ token, expiresOnTimestamp: Date.now() + HOUR_MS }) };
}
