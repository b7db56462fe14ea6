import { describe, expect, it } from 'vitest';

import { askAgent } from '../../../client/keys/agent-connection.js';
import { agentSigner } from '../../../client/keys/agent-signer.js';
import { SshReader, sshString, sshUint32 } from '../../../proofs/ssh-wire.js';
import { verifySshsig } from '../../../proofs/sshsig.js';
import { ecdsaAuthenticator, ed25519Authenticator, TOUCHED_AND_VERIFIED } from '../../proofs/authenticator.js';
import { publicKeyOf, type SshKeygen } from '../../proofs/ssh-keygen.js';
import { errorOf, message, namespace, openSsh } from './open-ssh.js';
import { FakeAgent, type RealAgent } from './ssh-agent.js';

let oracle: SshKeygen;
let agent: RealAgent;
openSsh((tools) => {
  ({ oracle, agent } = tools);
});

const codeOf = async (work: Promise<unknown>): Promise<string> => (await errorOf(work)).code;

describe('when a real ssh-agent holds the key', () => {
  it.each([
    ['ed25519', 256],
    ['ecdsa', 256],
    ['ecdsa', 384],
    ['rsa', 3072],
  ] as const)(
    'signs with %s %d what both verifiers accept',
    async (type, bits) => {
      const path = oracle.generate(`agent-${type}${bits}`, type, { bits });
      agent.add(path);
      const signer = await agentSigner(`${oracle.publicLine(path)}\n`, agent.socket);
      const armored = await signer.sign(message, namespace);
      expect(signer.publicKey).toBe(oracle.publicLine(path));
      expect(oracle.verifies(signer.publicKey, armored, message, namespace)).toBe(true);
      const verdict = verifySshsig({ armored, message, namespace, key: publicKeyOf(signer.publicKey) });
      expect(verdict).toEqual({ ok: true, method: 'software', hash: 'sha512' });
    },
    30_000,
  );

  it('says so when the key was removed meanwhile', async () => {
    const path = oracle.generate('removed', 'ed25519');
    agent.add(path);
    const signer = await agentSigner(oracle.publicLine(path), agent.socket);
    agent.remove(path);
    expect(await codeOf(signer.sign(message, namespace))).toBe('agent_refused');
  });
});

describe('when there is no such agent or key', () => {
  it('names what is missing', async () => {
    const line = oracle.publicLine(oracle.generate('missing', 'ed25519'));
    expect(await codeOf(agentSigner(line, agent.socket))).toBe('agent_key_missing');
    expect(await codeOf(agentSigner(line, `${oracle.folder}/nobody.sock`))).toBe('agent_unavailable');
    expect(await codeOf(agentSigner(line, ''))).toBe('agent_unavailable');
    expect(await codeOf(agentSigner('ssh-dss AAAA', agent.socket))).toBe('key_type_unsupported');
    expect(await codeOf(agentSigner('nonsense', agent.socket))).toBe('key_malformed');
  });
});

describe.each([
  ['sk-ssh-ed25519@openssh.com', ed25519Authenticator],
  ['sk-ecdsa-sha2-nistp256@openssh.com', ecdsaAuthenticator],
])('when the agent signs with a %s key', (type, make) => {
  it('hands over the data and keeps flags and counter', async () => {
    const device = make();
    const { blob } = publicKeyOf(device.publicLine);
    const fake = await FakeAgent.start(oracle.folder, type.slice(0, 6), (request) => {
      const reader = new SshReader(request);
      if (reader.byte() === 11) return FakeAgent.framed(Buffer.of(12), sshUint32(1), sshString(blob), sshString('c'));
      expect(reader.string().equals(blob)).toBe(true);
      const data = reader.string();
      expect(reader.uint32()).toBe(0);
      return FakeAgent.framed(Buffer.of(14), sshString(device.sign(data, { flags: TOUCHED_AND_VERIFIED, counter: 3 })));
    });
    const signer = await agentSigner(device.publicLine, fake.socket);
    const armored = await signer.sign(message, namespace);
    fake.stop();
    expect(oracle.verifies(device.publicLine, armored, message, namespace)).toBe(true);
    const verdict = verifySshsig({ armored, message, namespace, key: publicKeyOf(device.publicLine) });
    expect(verdict).toMatchObject({ ok: true, method: 'hardware_verified', counter: 3 });
  });
});

describe('when the agent misbehaves', () => {
  const device = ed25519Authenticator();
  const { blob } = publicKeyOf(device.publicLine);
  const listed = FakeAgent.framed(Buffer.of(12), sshUint32(1), sshString(blob), sshString(''));

  it.each([
    ['refuses', FakeAgent.framed(Buffer.of(5)), 'agent_refused'],
    ['answers something else', FakeAgent.framed(Buffer.of(14), sshString('')), 'agent_malformed'],
    ['answers nothing', FakeAgent.framed(), 'agent_malformed'],
    ['hangs up', null, 'agent_malformed'],
    ['announces 4 GiB', Buffer.from('ffffffff0c', 'hex'), 'agent_malformed'],
    ['announces a billion keys', FakeAgent.framed(Buffer.of(12), sshUint32(1e9)), 'agent_malformed'],
    ['cuts its list', FakeAgent.framed(Buffer.of(12), sshUint32(1), sshString(blob)), 'agent_malformed'],
    ['adds bytes', FakeAgent.framed(Buffer.of(12), sshUint32(0), Buffer.of(0)), 'agent_malformed'],
  ])('is an error when it %s', async (name, reply, code) => {
    const fake = await FakeAgent.start(oracle.folder, `bad-${name.replaceAll(' ', '-')}`, () => reply);
    expect(await codeOf(agentSigner(device.publicLine, fake.socket))).toBe(code);
    fake.stop();
  });

  it('is an error when its signature is not over what was asked', async () => {
    const fake = await FakeAgent.start(oracle.folder, 'liar', (request) =>
      request[0] === 11 ? listed : FakeAgent.framed(Buffer.of(14), sshString(device.sign(Buffer.from('other')))),
    );
    const signer = await agentSigner(device.publicLine, fake.socket);
    expect(await codeOf(signer.sign(message, namespace))).toBe('agent_malformed');
    fake.stop();
  });

  it('is an error when it does not answer in time', async () => {
    const fake = await FakeAgent.start(oracle.folder, 'silent', () => undefined);
    expect(await codeOf(askAgent(fake.socket, Buffer.of(11), 100))).toBe('agent_timeout');
    fake.stop();
  });
});
