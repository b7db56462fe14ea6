import type { KeyObject } from 'node:crypto';

import type { DsseEnvelope } from '../domain/intent.js';
import { SWEEP_PAYLOAD_TYPE, sweepReportSchema, type SweepReport } from '../domain/sweep.js';
import { canonicalJson } from './canonical-json.js';
import { signDsse, verifyDsse } from './dsse.js';
import type { RoleKeys } from './receipt.js';
import { parseCanonicalJson } from './strict-json.js';

/** Why a sweep report was refused. */
export type SweepReportRefusal = 'sweep_envelope' | 'sweep_signer_unknown' | 'sweep_malformed';

const MAX_BYTES = 1024 * 1024;

/** Signs a report as the sweeper; the envelope's payload is the report's RFC 8785 form. */
export function signSweepReport(report: SweepReport, key: { keyid: string; privateKey: KeyObject }): DsseEnvelope {
  const payload = Buffer.from(canonicalJson(report), 'utf8');
  return signDsse({ payloadType: SWEEP_PAYLOAD_TYPE, payload, key });
}

/** A report with one signature, by a key that `keys` vouches for as the sweeper's. Anybody's bytes: never throws. */
export function openSweepReport(
  envelope: unknown,
  keys: RoleKeys,
): { ok: true; report: SweepReport } | { ok: false; code: SweepReportRefusal; message: string } {
  const sweeperKey = (keyid: string): KeyObject | undefined => {
    const known = keys(keyid);
    return known?.role === 'sweeper' ? known.publicKey : undefined;
  };
  const verdict = verifyDsse(envelope, { payloadType: SWEEP_PAYLOAD_TYPE, keys: sweeperKey, maxBytes: MAX_BYTES });
  if (!verdict.ok) {
    const code = verdict.reason === 'threshold_not_met' ? 'sweep_signer_unknown' : 'sweep_envelope';
    return {
      ok: false,
      code,
      message: `${verdict.reason}${verdict.detail === undefined ? '' : `: ${verdict.detail}`}`,
    };
  }
  const json = parseCanonicalJson(verdict.payload, { maxBytes: MAX_BYTES });
  const parsed = json.ok ? sweepReportSchema.safeParse(json.value) : undefined;
  if (parsed?.success === true) return { ok: true, report: parsed.data };
  return { ok: false, code: 'sweep_malformed', message: 'not a sweep report of this version' };
}
