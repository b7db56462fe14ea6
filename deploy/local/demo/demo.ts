import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { layoutOf } from '../stack/layout.js';
import { ownerOf } from '../stack/stack-lock.js';
import { StackError } from '../stack/stack-error.js';
import { startStack, type Stack } from '../stack/start-stack.js';
import { advanceCeremony } from '../stack/time-skipping.js';
import { ceremonyWorkflowId } from '../../../domain/identifiers.js';
import type { CeremonyView } from '../../../domain/view.js';
import { LOCAL_TENANT } from '../stack/local-world.js';
import { forgedApproval } from './forgery.js';
import { DemoGraph } from './demo-graph.js';
import { tellRecovery } from './recovery.js';
import { Story } from './story.js';

const REASON = 'Phishing wave: block the senders and purge the mail';
const PIM_REQUESTS = '/roleManagement/directory/roleAssignmentScheduleRequests';

/** Runs both ceremonies to their verified ends, with everything going wrong that usually does. */
export async function runDemo({ keep, dir }: { keep: boolean; dir: string }): Promise<number> {
  const story = new Story((text) => process.stdout.write(text), process.stdout.isTTY === true, dir);
  const folder = path.join(dir, '.reseal-demo');
  const running = await ownerOf(layoutOf(path.join(folder, '.reseal')));
  if (running !== null) {
    throw new StackError(
      'already_running',
      `a demo that was kept is running (pid ${running}): stop it with Ctrl-C, then run this again`,
    );
  }
  await rm(folder, { recursive: true, force: true });

  story.title('Reseal: break the glass, and prove it was resealed');
  story.say('Starting Temporal, the register, the gateway, a Microsoft Graph simulator and all roles …');
  const stack = await startStack({
    dir: folder,
    ports: { gateway: 0, temporal: 0, ui: 0, graph: 0, inbox: 0 },
    host: { ports: 'free' },
    log: () => undefined,
  });
  try {
    const told = await tell(story, stack, folder);
    const recovery = await tellRecovery(story, stack, folder);
    story.title(`The first history in Temporal's Web UI${keep ? '' : ' (run the demo with --keep to open it)'}:`);
    story.say(told.ui_url);
    if (keep) await stayUp(story, stack, told.event_id);
    const ok = story.failures.length === 0;
    process.stdout.write(
      `\n${JSON.stringify({ ok, ...told, recovery, seconds: Math.round(story.seconds * 10) / 10 })}\n`,
    );
    if (keep) await untilStopped();
    return ok ? 0 : 1;
  } finally {
    await stack.stop();
  }
}

async function tell(story: Story, stack: Stack, cwd: string) {
  const graph = new DemoGraph(stack.dev.graph_control_url, LOCAL_TENANT);
  const api = async (event: string): Promise<CeremonyView> =>
    (await (await fetch(`${stack.dev.gateway_url}/v1/events/${event}`)).json()) as CeremonyView;
  const forward = (event: string, seconds: number) => advanceCeremony(stack.client, ceremonyWorkflowId(event), seconds);
  const until = async (event: string, holds: (view: CeremonyView) => boolean, step: number): Promise<CeremonyView> => {
    for (let tries = 0; tries < 40; tries += 1) {
      const view = await api(event);
      if (holds(view)) return view;
      await forward(event, step);
    }
    return api(event);
  };
  const only =
    (...starts: string[]) =>
    (line: string) =>
      starts.some((start) => line.startsWith(start));

  story.step('Three in the morning: alice needs a privileged role for thirty minutes');
  const asking = [
    'breakglass',
    '--profile',
    'security-admin',
    '--reason-code',
    'incident',
    '--justification',
    REASON,
    '--as',
    'alice',
  ];
  const asked = await story.command(cwd, [...asking, '--ticket', 'INC-4711', '-o', 'json'], only('accepted', 'next'));
  const { event_id } = JSON.parse(asked.out) as CeremonyView;
  story.claim('the target is resolved to ids and nobody holds the role yet', (await graph.standing()).length === 0);

  story.step('Somebody with write access to Temporal forges an approval in the name of bob');
  const forged = await forgedApproval(stack, await api(event_id));
  story.claim(`refused: ${forged.reason ?? 'no'}`, forged.reason === 'bad_signature');

  story.step('alice tries to approve her own request');
  const own = await story.command(cwd, ['approve', event_id, '--as', 'alice', '--yes'], only('refused'));
  story.claim('exit status 4: not her right', own.status === 4);

  story.step('Two other people approve, one of security and one of platform');
  await graph.fault({ effect: 'lost_response', method: 'POST', path: PIM_REQUESTS, action: 'adminAssign' });
  await graph.lag(12_000);
  for (const person of ['bob', 'carol']) {
    const { status } = await story.command(
      cwd,
      ['approve', event_id, '--as', person, '--yes'],
      only('accepted', 'grant', 'to', 'for'),
    );
    story.claim(`${person}'s signature counts`, status === 0);
  }

  story.step('The grant: Graph carries it out and the answer is lost; its replicas answer with stale reads');
  const active = await until(event_id, ({ state }) => state === 'active', 20);
  await graph.lag(0);
  const granted = await graph.calls('adminAssign');
  story.claim(
    `one grant, found again by its signed marker instead of asked for twice (${granted.length} POST)`,
    granted.length === 1,
  );
  story.claim('active only after three agreeing reads by a second identity', active.state === 'active');
  const [standing] = await graph.standing();
  const deadMan =
    standing !== undefined &&
    standing.ends_at !== null &&
    Date.parse(standing.ends_at) === Date.parse(active.dead_man_at ?? '');
  story.claim(
    `Graph itself would end it at ${(active.dead_man_at ?? '').slice(11, 19)}Z, if all of Reseal were dead`,
    deadMan,
  );

  story.step('The timebox: thirty minutes pass (the local server skips them)');
  await graph.fault({
    effect: 'status',
    status: 429,
    retry_after: 20,
    times: 2,
    method: 'POST',
    path: PIM_REQUESTS,
    action: 'adminRemove',
  });
  await forward(
    event_id,
    Math.max(1, (Date.parse(active.expires_at ?? '') - Date.parse((await apiNow(stack, event_id)) ?? '')) / 1000 + 1),
  );
  const resealing = await api(event_id);
  story.claim(
    `at the deadline, ${(active.expires_at ?? '').slice(11, 19)}Z, the removal begins by itself`,
    resealing.rollback.requested_at !== null,
  );

  story.step('The removal: Graph throttles it twice; Reseal never gives up');
  const ended = await until(event_id, ({ ended_at }) => ended_at !== null, 30);
  const removals = await graph.calls('adminRemove');
  story.claim(
    `removed at attempt ${removals.length}, confirmed by five agreeing reads`,
    ended.rollback.confirmed_at !== null,
  );
  const left = await graph.standing();
  story.claim(
    'the simulator says: nothing stands, and the sign-in sessions are ended',
    left.length === 0 && (await graph.sessionsEnded()) > 0,
  );

  story.step("Minutes later the directory's own audit log says so too");
  const audited = await until(event_id, ({ rollback }) => rollback.audited_at !== null, 960);
  story.claim(`audited at ${(audited.rollback.audited_at ?? '').slice(11, 19)}Z`, audited.rollback.audited_at !== null);
  await story.command(
    cwd,
    ['breakglass', 'check', event_id],
    only('state', 'approvals', 'active', 'removal', 'sessions', 'ended'),
  );

  story.step('The proof: a bundle that verifies offline, and a copy with one byte changed that does not');
  const bundle_path = path.join(cwd, 'bundle.json');
  await story.command(cwd, ['evidence', 'export', event_id, '--out', bundle_path], only('wrote'));
  const good = await story.command(cwd, ['evidence', 'verify', bundle_path], (line) =>
    /^(VERIFIED|NOT)|^\s+(ok|FAILED)\s/.test(line),
  );
  story.claim('verified', good.status === 0);
  const tampered = path.join(cwd, 'tampered.json');
  await writeFile(tampered, withOneByteChanged(await readFile(bundle_path, 'utf8')));
  const bad = await story.command(cwd, ['evidence', 'verify', tampered], (line) =>
    /^NOT|^held against| at envelope/.test(line),
  );
  story.claim('the tampered copy is refused, exit status 7', bad.status === 7);

  const { rollback, requested_at, activated_at, expires_at, sessions_ended_at, ended_at } = audited;
  const steps = {
    requested_at,
    approved_at: audited.approvals.map(({ at }) => at),
    activated_at,
    expires_at,
    removal_requested_at: rollback.requested_at,
    removal_accepted_at: rollback.accepted_at,
    removal_observed_at: rollback.observed_at,
    removal_confirmed_at: rollback.confirmed_at,
    sessions_ended_at,
    ended_at,
    audited_at: rollback.audited_at,
  };
  return { event_id, state: audited.state, steps, bundle_path, standing: left, ui_url: audited.ui_url ?? '' };
}

async function apiNow(stack: Stack, event: string): Promise<string | undefined> {
  const view = (await (await fetch(`${stack.dev.gateway_url}/v1/events/${event}`)).json()) as { now?: string };
  return view.now;
}

/** Changes one character in the middle of the signed payload, keeping it base64 and JSON. */
function withOneByteChanged(text: string): string {
  const at = Math.floor(text.length / 2);
  return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
}

async function stayUp(story: Story, stack: Stack, event: string): Promise<void> {
  story.title('The stack stays up until Ctrl-C. From this folder, in another terminal:');
  story.say(
    `cd ${path.relative(process.cwd(), path.dirname(stack.layout.root)) || '.'} && npx reseal breakglass check ${event}`,
  );
  await Promise.resolve();
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
