import type { TokenCredential } from '@azure/identity';
import { AuthenticationHandler, Client, HTTPMessageHandler, TelemetryHandler } from '@microsoft/microsoft-graph-client';
import { TokenCredentialAuthenticationProvider } from '@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js';

import { SentWatch } from './sent-watch.js';
import type { LoopbackTransport } from './loopback-transport.js';

const SCOPE = 'https://graph.microsoft.com/.default';

/**
 * Microsoft's client with a chain that sends each request once. Its own RetryHandler would repeat a POST on 429, 503 and
 * 504 and sleep inside the activity; retrying is the caller's. No RedirectHandler either: a redirect is an error.
 */
export function graphClient(config: { credential: TokenCredential; transport?: LoopbackTransport }): Client {
  const authentication = new TokenCredentialAuthenticationProvider(config.credential, { scopes: [SCOPE] });
  return Client.initWithMiddleware({
    middleware: [
      new AuthenticationHandler(authentication),
      new TelemetryHandler(),
      new SentWatch(),
      config.transport ?? new HTTPMessageHandler(),
    ],
    fetchOptions: { redirect: 'error' },
  });
}
