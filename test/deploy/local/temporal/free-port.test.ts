import { createServer, type Server } from 'node:net';
import { expect, it } from 'vitest';
import { freePort, QUIET_PORTS } from '../../../../deploy/local/temporal/free-port.js';

const listen = (port: number): Promise<Server> =>
  new Promise((resolve) => {
    const server = createServer();
    server.listen({ host: '127.0.0.1', port }, () => resolve(server));
  });

it('is none of those that a connection or another listener is given meanwhile', async () => {
  const ports = await Promise.all(Array.from({ length: 40 }, () => freePort(undefined, 'a test')));
  for (const port of ports) {
    expect(port).toBeGreaterThanOrEqual(QUIET_PORTS.from);
    expect(port).toBeLessThanOrEqual(QUIET_PORTS.to);
  }
});

it('says which port is taken, and what it was for', async () => {
  const port = await freePort(undefined, 'a test');
  const server = await listen(port);
  await expect(freePort(port, 'the gateway')).rejects.toMatchObject({
    code: 'temporal_port_in_use',
    message: expect.stringContaining(`port ${port} (the gateway) is in use`) as string,
  });
  await new Promise((resolve) => server.close(resolve));
  expect(await freePort(port, 'the gateway')).toBe(port);
});
