import { DRIFTING, type IncidentRecording } from './incident-recording.js';

/** Acts one incident out and answers its histories: of the round that opened it, where there is one, and its own. */
export type IncidentScript = (recording: IncidentRecording) => Promise<string[]>;

/** One after the other, since they are of one host; the last takes four minutes. */
export const INCIDENT_RECORDINGS: Readonly<Record<string, IncidentScript>> = {
  'incident-resolved': async (r) => {
    await r.report('manifest_mismatch');
    await r.bound();
    await r.say('resolve');
    await r.until(({ resolve }) => resolve !== null);
    await r.say('acknowledge');
    await r.say('resolve');
    return [await r.ended()];
  },
  'incident-refused-then-passed': async (r) => {
    await r.control('/tpm/extend', { index: DRIFTING });
    const round = await r.attestedBySchedule();
    await r.bound(true);
    await r.say('acknowledge');
    await r.attest('refused');
    await r.control('/tpm/boot', { how: 'reset' });
    await r.attest('passed');
    await r.say('resolve');
    return [round, await r.ended()];
  },
  'incident-waiting-for-host': async (r) => {
    await r.control('/faults', { part: 'attest_agent', kind: 'unreachable', times: 2 });
    await r.report('integrity_violation');
    await r.bound(true);
    await r.control('/tpm/boot', { how: 'reset' });
    await r.say('acknowledge');
    await r.attest('passed');
    await r.say('resolve');
    return [await r.ended()];
  },
  'incident-escalated': async (r) => {
    await r.report('prompt_injection');
    await r.bound();
    await r.say('acknowledge');
    await r.report('prompt_injection', 2);
    await r.until(({ generation, containment_binding }) => generation === 2 && containment_binding !== null);
    await r.bound(true);
    await r.control('/tpm/boot', { how: 'reset' });
    await r.say('acknowledge');
    await r.attest('passed');
    await r.say('resolve');
    return [await r.ended()];
  },
  /** The signature runs out while one target cannot be undone: what was let go by then is contained again. */
  'incident-release-refused-halfway': async (r) => {
    await r.report('manifest_mismatch');
    await r.bound();
    await r.say('acknowledge', 30_000);
    await r.control('/faults', { part: 'models', kind: 'error', times: null, status: 503, method: 'POST' });
    await r.say('resolve');
    await r.until(({ flags }) => flags.includes('release_failing'));
    await r.until(({ flags, resolve }) => !flags.includes('releasing') && (resolve?.missing.length ?? 0) > 0);
    await r.control('/faults', { part: 'models', kind: 'error', times: 1, status: 503, method: 'POST' });
    await r.until(({ state, flags }) => state === 'contained' && !flags.includes('containment_failing'));
    await r.say('acknowledge');
    await r.say('resolve');
    return [await r.ended()];
  },
};
