import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { swtpmMissing } from '../../../deploy/local/tpm/start-swtpm.js';
import type { HostReference } from '../../../domain/incidents/host-reference.js';
import { logOf, type LoggedEvent } from '../../proofs/tpm/event-log-writer.js';
import { AttestedHost } from './attested-host.js';

const missing = swtpmMissing();
const FIRMWARE: LoggedEvent = { pcr: 0, type: 0x8, data: Buffer.from('firmware 1.2') };
const SHIM: LoggedEvent = { pcr: 4, type: 0x80000003, data: Buffer.from('shim 15.8') };
const kernel = (version: string): LoggedEvent => ({ pcr: 4, type: 0xd, data: Buffer.from(`kernel ${version}`) });

/** A TPM into which a firmware measures what stands in its log. */
describe.skipIf(missing !== null)(
  `a host that is judged by what was measured${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let world: AttestedHost;
    let log: string;
    beforeAll(async () => {
      world = await AttestedHost.start();
      log = join(world.host.tpm.folder, 'binary_bios_measurements');
      await world.serve('rsassa', { eventLog: log });
    });
    afterAll(() => world?.stop());

    /** Boots, measuring all of it; `shown` is what the log says instead. */
    const boots = async (events: LoggedEvent[], shown = events): Promise<void> => {
      await world.host.boot('reset');
      for (const { pcr, data } of events) await world.host.extend(pcr, createHash('sha256').update(data).digest('hex'));
      writeFileSync(log, logOf(['sha256'], shown));
    };
    let attempt = 0;
    const next = () => {
      world.later(60_000);
      return world.attest({ ...world.scheduled, attempt: (attempt += 1) });
    };
    const records = async (before?: HostReference): Promise<HostReference> => {
      const text = await world.shown(before, 'rsassa', true);
      expect(await world.record(text, 'bob')).toMatchObject({ ok: true });
      return JSON.parse(text) as HostReference;
    };

    it('passes with every alternative of each component, and is refused by name of the one that is none', async () => {
      await boots([FIRMWARE, SHIM, kernel('6.1.0-28')]);
      const first = await records();
      expect(first.policy.pcrs.sha256).toEqual({ '7': [expect.objectContaining({ digest: '00'.repeat(32) })] });
      expect(first.policy.components?.sha256?.['4']?.map(({ event_type }) => event_type)).toEqual([
        'EV_EFI_BOOT_SERVICES_APPLICATION',
        'EV_IPL',
      ]);
      expect(await next()).toMatchObject({ verdict: 'passed', reference_version: 1 });

      await boots([FIRMWARE, SHIM, kernel('6.1.0-29')]);
      const refused = await next();
      expect(refused).toMatchObject({ verdict: 'refused', failed_check: 'PCR_NOT_GOLDEN' });
      expect(refused.expected).toMatch(
        /^sha256 PCR 4: event 2 \(EV_IPL\) is [0-9a-f]{64}, expected component 2 \(EV_IPL\): [0-9a-f]{64} \(as installed\)$/,
      );
      await records(first);
      expect(await next()).toMatchObject({ verdict: 'passed', reference_version: 2 });
      await boots([FIRMWARE, SHIM, kernel('6.1.0-28')]);
      expect(await next()).toMatchObject({ verdict: 'passed', reference_version: 2 });

      await boots([FIRMWARE, kernel('6.1.0-28')]);
      expect((await next()).expected).toContain('sha256 PCR 4: event 1 (EV_IPL)');
      await boots([FIRMWARE, SHIM]);
      expect((await next()).expected).toContain('the log ends after 1 events, expected component 2 (EV_IPL)');
    });

    it('is refused when its log tells of another boot, or there is none', async () => {
      const good = [FIRMWARE, SHIM, kernel('6.1.0-28')];
      await boots([FIRMWARE, SHIM, kernel('666')], good);
      expect(await next()).toMatchObject({ failed_check: 'EVENTLOG_MISMATCH' });
      await boots(good, []);
      expect(await next()).toMatchObject({ failed_check: 'EVENTLOG_MISMATCH' });
      writeFileSync(log, '');
      const { checks } = await next();
      expect(checks.filter(({ ok }) => !ok).map(({ code }) => code)).toEqual(['EVENTLOG_MISMATCH', 'PCR_NOT_GOLDEN']);
    });
  },
);
