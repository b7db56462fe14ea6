import { describe, expect, it } from 'vitest';
import { gatewayMoved, USUAL_PORTS } from '../../../../deploy/local/stack/ports.js';

describe('the port of the gateway', () => {
  const usual = `http://127.0.0.1:${USUAL_PORTS.gateway}`;

  it('is said where the usual one was taken, and nobody asked for another', () => {
    expect(gatewayMoved(undefined, 'http://127.0.0.1:40123')).toBe(
      'port 8515 is taken: the gateway listens on http://127.0.0.1:40123, so requests written for 8515 must be sent there',
    );
  });

  it('is not said where it is the usual one, or was asked for', () => {
    expect(gatewayMoved(undefined, usual)).toBeUndefined();
    expect(gatewayMoved(40123, 'http://127.0.0.1:40123')).toBeUndefined();
    expect(gatewayMoved(0, 'http://127.0.0.1:40123')).toBeUndefined();
  });
});
