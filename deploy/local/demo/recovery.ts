import { setTimeout as sleep } from 'node:timers/promises';
import { ATTEST_SCHEDULE_ID } from '../../../domain/incidents/attestation-report.js';
import type { IncidentView } from '../../../domain/incidents/view.js';
import { swtpmMissing } from '../tpm/start-swtpm.js';
import type { Stack } from '../stack/start-stack.js';
import type { Story } from './story.js';

/** A register of the TPM that the running system extends, and may put back: what drifts here can be mended without a reboot. */
const DRIFTING = 23;
const PATIENCE_MS = 60_000;

const only =
  (...starts: string[]) =>
  (line: string): boolean =>
    starts.some((start) => line.startsWith(start));

/** The demo's second act: a host drifts, is contained, and proves itself before it is trusted again. */
export async function tellRecovery(story: Story, stack: Stack, cwd: string) {
  const missing = swtpmMissing();
  const { host } = stack.dev;
  story.title('A machine that has to prove itself before it is trusted again');
  if (missing !== null || host === null) {
    story.say(`left out: ${missing ?? 'this stack has no host'}`);
    return null;
  }
  const control = async (path: string, body: object): Promise<void> => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(host.control_url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`the host refused ${path}: ${await answer.text()}`);
  };
  const incidents = async (): Promise<IncidentView[]> => {
    const answer = await fetch(`${stack.dev.gateway_url}/v1/incidents`);
    return ((await answer.json()) as { incidents: { view: IncidentView }[] }).incidents.map(({ view }) => view);
  };
  const until = async (holds: (view: IncidentView) => boolean): Promise<IncidentView | undefined> => {
    for (const giveUpAt = Date.now() + PATIENCE_MS; Date.now() < giveUpAt; await sleep(200)) {
      const found = (await incidents()).find(holds);
      if (found !== undefined) return found;
    }
    return undefined;
  };

  story.step(`bob writes down what ${host.name}'s TPM should say, and signs it`);
  const enrolling = ['tpm', 'enroll', host.name, host.attest_agent_url, '--token-file', host.attest_token_path];
  const select = `sha256:0,2,4,7,${DRIFTING}`;
  const where = ['--references', stack.layout.references, '--select', select];
  const known = ['--label', 'as installed', '--without-certificate', '--yes', '--as', 'bob'];
  const enrolled = await story.command(cwd, [...enrolling, ...where, ...known], only('host', 'TPM', 'key', 'next'));
  story.claim('the host opened a credential made for its TPM: its key lies in it', enrolled.status === 0);

  story.step('The machine drifts; the schedule that asks every host notices');
  await control('/tpm/extend', { index: DRIFTING });
  await stack.client.schedule.getHandle(ATTEST_SCHEDULE_ID).trigger();
  const contained = await until(({ state, attestation }) => state === 'contained' && attestation.state !== 'running');
  if (contained === undefined) {
    story.claim('an incident is open and contained', false);
    return null;
  }
  const { id } = contained;
  const done = contained.containment_results.filter(({ success }) => success).map(({ action }) => action);
  story.claim(`${id} is contained: ${done.join(', ')}`, done.length === contained.containment_actions.length);

  story.step('Nobody can simply close it');
  const early = await story.command(
    cwd,
    ['incident', 'resolve', id, '--as', 'bob', '--yes'],
    only('refused', 'missing'),
  );
  story.claim('exit status 3: the gate is shut', early.status === 3);
  const acknowledged = await story.command(cwd, ['incident', 'ack', id, '--as', 'bob', '--yes'], only('accepted'));
  story.claim('bob answers for the recovery of exactly this containment', acknowledged.status === 0);

  story.step('The TPM is asked again: drifted, then mended but never restarted, then restarted');
  const reattest = async (): Promise<{ status: number; view: IncidentView | undefined }> => {
    const shown = only('refused', 'passed', 'attestation', 'expected');
    const { status } = await story.command(cwd, ['incident', 'reattest', id], shown);
    return { status, view: (await incidents()).find((one) => one.id === id) };
  };
  const drifted = await reattest();
  story.claim(`refused: ${drifted.view?.attestation.failed_check ?? 'no'}`, drifted.status === 7);
  await control('/tpm/mend', { index: DRIFTING });
  const mended = await reattest();
  story.claim(`refused: ${mended.view?.attestation.failed_check ?? 'no'}`, mended.status === 7);
  await control('/tpm/boot', { how: 'reset' });
  const restarted = await reattest();
  story.claim('passed, by a quote over a nonce of this incident and attempt', restarted.status === 0);

  story.step('The containment is undone in reverse, each step seen, and the host says that it is trusted');
  const resolving = ['incident', 'resolve', id, '--as', 'bob', '--yes'];
  const resolved = await story.command(cwd, resolving, only('resolved', 'refused', 'missing'));
  const after = await until((view) => view.id === id && view.state === 'resolved');
  story.claim('released by a warrant that rests on the signature and the quote', resolved.status === 0);
  const state = async (url: string): Promise<unknown> =>
    ((await (await fetch(`${url}/api/v1/state`)).json()) as { state: unknown }).state;
  const said = [await state(host.attestor_url), await state(host.integrity_url)];
  story.claim(
    `attestor and integrity monitor: ${said.join(', ')}`,
    said.every((word) => word === 'trusted'),
  );
  return { incident_id: id, state: after?.state ?? null };
}
