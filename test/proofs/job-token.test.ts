import { beforeAll, describe, expect, it } from 'vitest';

import { TOOLS } from '../../domain/contract.js';
import type { SignedIntent } from '../../domain/intent.js';
import type { JobClaims } from '../../domain/job.js';
import { generateHolderKey, thumbprintOf } from '../../proofs/holder-proof.js';
import { jobScopeHash, jobScopeOf, judgeJobToken, mintJobToken, signJobToken } from '../../proofs/job-token.js';
import { signIntent } from '../../proofs/signed-intent.js';
import { mintWarrant } from '../../proofs/warrant.js';
import { roleKeys } from './ceremony-people.js';
import { fullCeremony } from './full-ceremony.js';

const { authority, register } = roleKeys;
const { intent } = fullCeremony();
const signed: SignedIntent = signIntent(intent, authority);
const issued = Date.parse(intent.issued_at);
const deadline = Date.parse(intent.deadline);
const { holder } = generateHolderKey();
const terms = { holder, tools: [TOOLS.read], confined_by: null };
const scope = jobScopeOf(signed, { statement_digest: 'ab'.repeat(32), terms, tools: [TOOLS.read] });
const minted = (nowMs = issued, notAfterMs = deadline, seconds = 120) =>
  mintJobToken(scope, authority, { nowMs, seconds, notAfterMs });

let token: string;
let claims: JobClaims;
beforeAll(async () => {
  ({ token, claims } = await minted());
});

const judge = async (
  text = token,
  over: Partial<Parameters<typeof judgeJobToken>[1]> = {},
): Promise<{ code: string; job: boolean }> => {
  const authorityKey = (keyid: string) => (keyid === authority.keyid ? authority.publicKey : undefined);
  const rules = { eventId: intent.event_id, role: 'verifier', authorityKey, nowMs: issued, ...over };
  const verdict = judgeJobToken(text, rules);
  return verdict.ok ? { code: 'ok', job: true } : { code: verdict.code, job: verdict.job !== null };
};
/** Signed with the authority's own key: what a thief of it could make. */
const saying = (over: Partial<JobClaims>): Promise<string> => {
  const changed = { ...claims, ...over };
  return signJobToken({ ...changed, token_scope_hash_b64u: jobScopeHash(changed) }, authority);
};

describe("a job's token", () => {
  it("is bound to the job, the holder's key, the intent and the policy", async () => {
    expect(await judge()).toEqual({ code: 'ok', job: true });
    expect(claims).toMatchObject({
      sub: `job/${intent.event_id}/${'ab'.repeat(8)}`,
      mission_id: intent.event_id,
      cnf: { jkt: thumbprintOf(holder) },
      scope: [TOOLS.read],
    });
  });

  it('lives as long as it is told, never past deadline or statement', async () => {
    const lives = async (...times: Parameters<typeof minted>) => (await minted(...times)).claims.exp * 1000;
    expect(await lives(issued)).toBe(issued + 120_000);
    expect(await lives(issued, issued + 30_000)).toBe(issued + 30_000);
    expect(await lives(deadline - 10_000)).toBe(deadline);
    expect(await lives(issued, deadline, 7200)).toBe(Math.min(issued + 1800_000, deadline));
  });

  it('is refused once it is over, and before its time', async () => {
    expect(await judge(token, { nowMs: issued + 119_999 })).toEqual({ code: 'ok', job: true });
    expect(await judge(token, { nowMs: issued + 120_000 })).toEqual({ code: 'token_expired', job: true });
    expect(await judge(token, { nowMs: issued - 61_000 })).toEqual({ code: 'token_not_yet_valid', job: true });
  });

  it('is refused for another event and by a role that it is not for', async () => {
    expect(await judge(token, { eventId: 'ffffffffffffffff' })).toEqual({ code: 'token_foreign', job: true });
    expect(await judge(token, { role: 'effect:entra.sessions' })).toEqual({ code: 'token_foreign', job: true });
  });

  it('is nothing without the signature of the authority', async () => {
    const foreign = await signJobToken(claims, register);
    expect(await judge(foreign)).toEqual({ code: 'token_not_signed', job: false });
    const [header, payload] = token.split('.');
    const [, , other] = (await saying({ exp: claims.exp + 60 })).split('.');
    expect(await judge(`${header}.${payload}.${other}`)).toEqual({ code: 'token_not_signed', job: false });
    expect(await judge('none')).toEqual({ code: 'token_malformed', job: false });
  });

  it('is not taken where a warrant is asked for, nor the other way round', async () => {
    expect(await judge(await mintWarrant(intent, authority, issued))).toEqual({ code: 'token_malformed', job: false });
  });

  it('must hold the very intent that it names, whoever signed it', async () => {
    const other = fullCeremony().intent;
    const foreign = signIntent(other, authority).envelope;
    const forged = signIntent(intent, register).envelope;
    const { reseal } = claims;
    expect((await judge(await saying({ reseal: { ...reseal, intent: foreign } }))).code).toBe('token_foreign');
    expect((await judge(await saying({ reseal: { ...reseal, intent: forged } }))).code).toBe('token_foreign');
    expect((await judge(await saying({ policy_hash_b64u: 'A'.repeat(43) }))).code).toBe('token_foreign');
    expect((await judge(await saying({ sub: `job/${intent.event_id}/${'0'.repeat(16)}` }))).code).toBe('token_foreign');
    expect((await judge(await saying({ exp: deadline / 1000 + 60, iat: deadline / 1000 - 60 }))).code).toBe(
      'token_foreign',
    );
    expect((await judge(await saying({ exp: claims.iat + 3600 }))).code).toBe('token_malformed');
    expect((await judge(await signJobToken({ ...claims, scope: [TOOLS.write] }, authority))).code).toBe(
      'token_malformed',
    );
  });
});
