import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Runbook } from '../../../client/gateway/runbook.js';
import { ReportRate, tokenTableSchema } from '../../../client/gateway/runbook-tokens.js';
import { MachineApi } from '../machine-api.js';
import { MemoryIncidents } from '../memory-incidents.js';
import { makePeople, testPolicy, type People } from '../people.js';
import { reseal } from '../terminal.js';
import { fullIncident, seal, signEntry, trustText } from '../../proofs/incidents/full-incident.js';
import { writeReference } from '../../proofs/incidents/written-reference.js';
import { answerTo } from '../../../client/cli/incident-answers.js';
import { GATE_MISSING, type GateMissing } from '../../../domain/incidents/gate.js';

const NOW = Date.parse('2026-03-14T12:00:00.500Z');
const ID = 'INC-20260314-120000-0001';
const TOKEN = 't'.repeat(40);
const REPORT = [
  'report',
  '--class',
  'integrity_violation',
  '--source',
  'integrity-monitor',
  '--evidence',
  'path=/bin/a',
];
let people: People;
let incidents: MemoryIncidents;
let folder: string;

beforeAll(() => {
  people = makePeople();
  folder = mkdtempSync(join(tmpdir(), 'reseal-incidents-'));
  writeFileSync(join(folder, 'token'), `${TOKEN}\n`, { mode: 0o600 });
  writeFileSync(join(folder, 'forensic.key'), '5a'.repeat(32));
});
afterAll(() => {
  people.dispose();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  let tick = 0;
  incidents = new MemoryIncidents(() => NOW + tick++);
});

const { tokens } = tokenTableSchema.parse({
  version: 1,
  tokens: [
    {
      name: 'bob-laptop',
      sha256: createHash('sha256').update(TOKEN).digest('hex'),
      person: 'bob',
      operate: true,
      report: { sources: ['integrity-monitor'], classes: ['integrity_violation'], targets: ['edge-1'] },
    },
  ],
});

const incident = (...argv: string[]) => run(['incident', ...argv]);
const incidentTyping = (typed: string, argv: string[]) => run(argv, { typed });
function run(argv: string[], more: { typed?: string } = {}) {
  const runbook: Runbook = {
    api: incidents,
    tokens: async () => tokens,
    roster: async () => people.roster,
    rate: new ReportRate(() => NOW),
    now: () => NOW,
    forensic: { key: async () => '5a'.repeat(32), policyDigest: async () => '' },
  };
  const env = { RESEAL_TOKEN_FILE: 'token', TZ: 'UTC' };
  return reseal(api(), argv, { cwd: folder, env, now: () => NOW + 120_000, runbook, ...more });
}
const api = () => new MachineApi({ policy: testPolicy, roster: people.roster, now: () => NOW });
const as = (name: string): string[] => ['--as', name, '--key', people.keyOf(name)];

describe('reseal incident', () => {
  it('leads from a report to trust, each answer naming the next command', async () => {
    const reported = await incident(...REPORT);
    expect([reported.status, reported.out]).toEqual([0, `${ID}\n`]);
    expect(reported.err).toContain(`next: reseal incident ack ${ID}\n`);
    expect(incidents.reports[0]).toMatchObject({
      host: 'edge-1',
      reporter: 'bob-laptop',
      evidence: { path: '/bin/a' },
    });

    const early = await incident('resolve', ID, ...as('bob'));
    expect(early.status).toBe(3);
    expect(early.err).toMatch(/^missing: signed_acknowledgement: /m);
    expect(early.err).toMatch(/^missing: attestation: /m);
    expect(early.err.match(/(?<=missing:? +)signed_acknowledgement/g)).toHaveLength(1);

    const acked = await incident('ack', ID, ...as('bob'), '--note', 'a package was replaced by hand');
    expect([acked.status, acked.err]).toEqual([0, expect.stringContaining('accepted: acknowledged')]);
    expect(acked.err).toContain(`next: reseal incident reattest ${ID}\n`);
    expect((await incidents.get(ID)).view.acknowledgements).toMatchObject([{ person: 'bob', method: 'ed25519' }]);

    incidents.attests = [
      { state: 'refused', failed_check: 'NOT_REBOOTED', expected: 'a reset since' },
      { state: 'passed' },
    ];
    const refused = await incident('reattest', ID);
    expect([refused.status, refused.err]).toEqual([7, expect.stringContaining('refused: NOT_REBOOTED: a reset')]);
    const passed = await incident('reattest', ID);
    expect([passed.status, passed.err]).toEqual([0, expect.stringContaining(`next: reseal incident resolve ${ID}`)]);

    const resolved = await incident('resolve', ID, ...as('bob'), '-o', 'json');
    expect(resolved.status).toBe(0);
    expect(JSON.parse(resolved.out)).toMatchObject({ act: 'resolve', person: 'bob', view: { state: 'resolved' } });
    const watched = await incident('watch', ID);
    expect([watched.status, watched.out]).toEqual([0, expect.stringContaining('resolved')]);
    expect((await incident('ack', ID, ...as('bob'))).status).toBe(4);
  });

  it('shows incidents: times as people read them, what is missing, and as JSON everything', async () => {
    await incident(...REPORT);
    const list = await incident('list', '--state', 'contained');
    expect(list.out).toMatch(/^incident +class +severity +state +host +opened +missing\nINC-20260314-120000-0001 /);
    expect(list.out).toContain('2 min ago');
    const got = await incident('get', ID.toLowerCase());
    expect(got.out).toMatch(/^opened +2 min ago \(12:00 UTC\)$/m);
    expect(got.out).toMatch(/^missing +signed_acknowledgement: /m);
    expect(got.out).toMatch(/^evidence +path: \/bin\/a$/m);
    const status = await incident('status', '-o', 'json');
    expect(JSON.parse(status.out)).toMatchObject([{ id: ID, next: `reseal incident ack ${ID}` }]);
    expect((await incident('stats')).out).toMatch(/^open by severity +critical 1$/m);
    expect((await incident('list', '--state', 'resolved')).err).toContain('no incident matches');
  });

  it('shows one incident in two columns, whatever its lines are called', async () => {
    await incident(...REPORT);
    const { view } = await incidents.get(ID);
    const [first, ...others] = view.containment_results;
    if (first === undefined) throw new Error('nothing was contained');
    incidents.change(ID, { containment_results: [first], released: others });
    const lines = (await incident('get', ID)).out.trimEnd().split('\n');
    const names = lines.map((line) => line.split(' ')[0]);
    expect(names).toEqual(expect.arrayContaining(['acknowledged', 'evidence', 'contained', 'containing', 'released']));
    expect(lines.map((line) => /^\S+ {2,}/.exec(line)?.[0].length)).toEqual(lines.map(() => 14));
  });

  it('tells what is missing once on a terminal too: before the question', async () => {
    await incident(...REPORT);
    const argv = ['incident', 'resolve', ID, ...as('bob')];
    const { status, err } = await incidentTyping('yes\n', argv);
    expect(status).toBe(3);
    expect(err.match(/an incident like this one is acknowledged by a signed statement/g)).toHaveLength(1);
    expect(err.indexOf('acknowledged by a signed')).toBeLessThan(err.indexOf('end INC-'));
  });

  it.each([
    ['AK_NOT_ENROLLED', 'enrol its TPM', `reseal tpm enroll edge-1 URL --label TEXT --references FOLDER, then reseal `],
    ['PCR_NOT_GOLDEN', 'mend the host', `reseal incident reattest ${ID}`],
    ['NO_REBOOT_SINCE_CONTAINMENT', 'power-cycle the host', `reseal incident reattest ${ID}`],
  ])('says of %s what mends it, and which command comes next', async (failed_check, remedy, next) => {
    await incident(...REPORT);
    await incident('ack', ID, ...as('bob'));
    incidents.attests = [{ state: 'refused', failed_check, expected: 'something else' }];
    const { status, err } = await incident('reattest', ID);
    expect([status, err]).toEqual([7, expect.stringContaining(`refused: ${failed_check}: something else\n${remedy}`)]);
    expect(err).toContain(`next: ${next}`);
    expect((await incident('get', ID)).out).toContain(`attestation_refused: ${failed_check}: ${remedy}`);
  });

  it('leads on from an accepted baseline to another attempt', async () => {
    await incident(...REPORT);
    const { view } = await incidents.get(ID);
    const attestation = { ...view.attestation, state: 'refused', failed_check: 'AK_NOT_ENROLLED' } as const;
    const accepted = { ...view, attestation, statements: [{ act: 'accept_baseline' as const, person: 'carol' }] };
    expect(answerTo('attestation_refused', accepted)).toBe(`reseal incident reattest ${ID}`);
  });

  it('tells the worst incident first, and how many things one waits for', async () => {
    await incident(...REPORT);
    await incident(...REPORT, '--host', 'edge-1');
    const second = 'INC-20260314-120001-0002';
    const { view, ...rest } = await incidents.get(ID);
    incidents.records.set(second, { ...rest, view: { ...view, id: second, state: 'containment_failed' } });
    const told = await incident('status');
    expect(told.out.match(/^INC-\S+ .*/gm)).toEqual([
      `${second}  critical integrity_violation on edge-1, containment_failed, opened 2 min ago`,
      `${ID}  critical integrity_violation on edge-1, contained, opened 2 min ago`,
    ]);
    expect(told.err).toBe(`next: reseal incident ack ${second}\n`);
    expect((await incident('list')).out).toMatch(/ signed_acknowledgement, 1 more$/m);
  });

  it('signs the artifact that a playbook demands, by the digest of the file, and sends no file', async () => {
    await incident(...REPORT);
    const { requirements } = (await incidents.get(ID)).view;
    incidents.change(ID, { requirements: { ...requirements, artifacts: ['baseline_update'] } });
    const early = await incident('resolve', ID, ...as('bob'));
    expect(early.err).toMatch(
      new RegExp(
        `^missing: artifact_baseline_update: .*\\(reseal incident artifact ${ID} --kind baseline_update FILE\\)$`,
        'm',
      ),
    );
    writeFileSync(join(folder, 'baseline.json'), 'the new baseline');
    const signed = await incident(
      'artifact',
      ID,
      '--kind',
      'baseline_update',
      'baseline.json',
      ...as('carol'),
      '-o',
      'json',
    );
    expect([signed.status, signed.err]).toEqual([0, expect.stringContaining('accepted: artifact is recorded')]);
    const digest = createHash('sha256').update('the new baseline').digest('hex');
    const said = [{ act: 'artifact', person: 'carol', kind: 'baseline_update', of: digest }];
    expect((await incidents.get(ID)).view).toMatchObject({ statements: said });
    expect((await incidents.get(ID)).view.missing).not.toContain('artifact_baseline_update');
    expect((await incident('get', ID)).out).toMatch(/^said +carol artifact baseline_update [0-9a-f]{4}-/m);
    const beside = await incident('artifact', ID, '--kind', 'manifest', 'baseline.json', ...as('carol'));
    expect([beside.status, beside.err]).toEqual([0, expect.stringContaining('asks for no manifest')]);
  });

  it('waives the baseline for those who did not acknowledge, and tells the others before they sign', async () => {
    await incident(...REPORT);
    await incident('ack', ID, ...as('bob'));
    incidents.attests = [
      {
        state: 'refused',
        failed_check: 'NO_REBOOT_SINCE_CONTAINMENT',
        expected: 'a quorum can waive it (waive_baseline)',
      },
    ];
    expect((await incident('reattest', ID)).err).toContain(`next: reseal incident waive-baseline ${ID}\n`);
    const own = await incident('waive-baseline', ID, ...as('bob'));
    expect([own.status, own.err]).toEqual([3, expect.stringContaining('whoever did does not count for its baseline')]);
    expect((await incidents.get(ID)).view.statements).toBeUndefined();
    const waived = await incident('waive-baseline', ID, ...as('carol'));
    expect([waived.status, waived.err]).toEqual([0, expect.stringContaining(`next: reseal incident reattest ${ID}\n`)]);
    expect((await incidents.get(ID)).view.statements).toEqual([{ act: 'waive_baseline', person: 'carol' }]);
    const acked = await incident('ack', ID, ...as('carol'));
    expect([acked.status, acked.err]).toEqual([0, expect.stringContaining('that stops to count with this')]);
  });

  it('accepts a reference of this very host by its digest', async () => {
    await incident(...REPORT);
    const { file, digest } = writeReference(folder, 'edge-1');
    const other = writeReference(folder, 'edge-2');
    const accepted = await incident('accept-baseline', ID, file, ...as('carol'));
    expect([accepted.status, accepted.err]).toEqual([0, expect.stringContaining('accepted: accept_baseline')]);
    expect((await incidents.get(ID)).view.statements).toEqual([
      { act: 'accept_baseline', person: 'carol', of: digest },
    ]);
    const foreign = await incident('accept-baseline', ID, other.file, ...as('carol'));
    expect([foreign.status, foreign.err]).toEqual([2, expect.stringContaining('is a reference of edge-2, and')]);
  });

  it('names a command for everything that can be missing, and each of them exists', async () => {
    await incident(...REPORT);
    const { view } = await incidents.get(ID);
    const { out: help } = await incident('--help');
    for (const code of Object.keys(GATE_MISSING) as GateMissing[]) {
      const [, name] = /^reseal incident ([a-z-]+) INC-/.exec(answerTo(code, view)) ?? [];
      expect(help, code).toMatch(new RegExp(`^  ${name ?? 'none'} `, 'm'));
    }
  });

  it('shows nothing that would drive a terminal', async () => {
    await incident(...REPORT, '--description', 'a\u001b[31m\nVERIFIED');
    const { out } = await incident('get', ID);
    expect(out).not.toContain('\u001b');
    expect(out).not.toMatch(/^VERIFIED/m);
  });

  it('exports what it verifies', async () => {
    await incident(...REPORT);
    expect((await incident('export', '--out', 'bundle.json')).status).toBe(0);
    expect((await incident('verify-export', 'bundle.json', '--key', 'forensic.key')).status).toBe(0);
    expect((await incident('export', '--out', 'bundle.json')).err).toContain('--force overwrites it');
    const twin = readFileSync(join(folder, 'bundle.json'), 'utf8')
      .replace('edge-1', 'edge-2')
      .replace(ID, `${ID.slice(0, -1)}2`);
    writeFileSync(join(folder, 'twin.json'), twin);
    expect((await incident('verify-export', 'twin.json', '--key', 'forensic.key')).status).toBe(7);
  });

  it('exports the evidence of one incident, and verifies it offline in words, as JSON, and with the first broken link', async () => {
    await incident(...REPORT);
    const early = await incident('export', ID, '--out', 'incident.json');
    expect([early.status, early.err]).toEqual([2, expect.stringContaining(`${ID} has no evidence bundle`)]);
    incidents.change(ID, { state: 'resolved' });
    const entries = fullIncident();
    incidents.bundleText = seal(entries.map((entry) => signEntry(entry)));
    const exported = await incident('export', ID, '--out', 'incident.json');
    expect([exported.status, exported.err]).toEqual([
      0,
      expect.stringContaining('next: reseal evidence verify incident.json'),
    ]);
    expect(readFileSync(join(folder, 'incident.json'), 'utf8')).toBe(incidents.bundleText);

    writeFileSync(join(folder, 'trust.json'), trustText);
    const verify = (...more: string[]) =>
      reseal(api(), ['evidence', 'verify', '--trust', 'trust.json', ...more], { cwd: folder });
    const verified = await verify('incident.json');
    expect([verified.status, verified.out]).toEqual([0, expect.stringMatching(/^VERIFIED\n {2}ok {6}format /)]);
    for (const answer of [
      /^contained +freeze_agent 2026-/m,
      /^refused +2026-.* attestation 2 \(recovery\): PCR_NOT_GOLDEN: /m,
      /^acknowledged +bob 2026-.*: a package was replaced by hand$/m,
      /^artifact +carol 2026-.*: baseline_update sha256 3333/m,
      /^quote +attempt 3, 2026-.*, by the key 000b1111/m,
      /^reference +version 2 \(2222.*\), accepted by alice, carol after the containment$/m,
      /^counted from +nothing: waived by alice, carol$/m,
      /^let go +2026-.* asked for by bob, signed$/m,
      /^released +force_vault_relock 2026-/m,
    ])
      expect(verified.out).toMatch(answer);
    expect(JSON.parse((await verify('incident.json', '-o', 'json')).out)).toMatchObject({ ok: true, incident_id: ID });
    const more = await verify('incident.json', '--quorum', '3');
    expect([more.status, more.out]).toEqual([
      7,
      expect.stringContaining('the chain breaks at gate: gate_shut: attestation_acceptance'),
    ]);
    expect(more.out).not.toMatch(/^let go/m);
    writeFileSync(join(folder, 'cut.json'), seal(entries.slice(0, -1).map((entry) => signEntry(entry))));
    expect((await verify('cut.json')).out).toContain('the chain breaks at end: ');
    expect((await verify('incident.json', '--quorum', 'two')).status).toBe(2);
    expect((await verify('trust.json', '--quorum', '2')).err).toContain('is for the bundle of an incident');
  });

  it('shows the playbook in force, and checks a file without asking anybody', async () => {
    const shown = await incident('playbooks');
    expect(shown.out).toMatch(
      /^prompt_injection +high +freeze_agent, log_alert +3 in 300 s: critical, force_vault_relock$/m,
    );
    expect(shown.out).toMatch(
      /^integrity_violation +critical +freeze_agent, disable_airlock, force_vault_relock +latched, quote$/m,
    );
    expect(shown.out).toMatch(/^may waive +everybody on the roster$/m);
    const file = 'schema: reseal.playbooks.v1\noperators:\n  waive: [group:platform]\n';
    writeFileSync(join(folder, 'playbooks.yaml'), file);
    const own = await incident('playbooks', 'playbooks.yaml');
    expect([own.status, own.out]).toEqual([0, expect.stringMatching(/^may waive +group:platform$/m)]);
    const play = 'severity: critical, actions: [freeze_agent], latched: true, reattest: false';
    writeFileSync(
      join(folder, 'weak.yaml'),
      `schema: reseal.playbooks.v1\nclasses:\n  integrity_violation: { ${play} }\n`,
    );
    const weak = await incident('playbooks', 'weak.yaml');
    expect([weak.status, weak.err]).toEqual([
      2,
      expect.stringMatching(/weak.yaml:3:\d+: classes.integrity_violation.reattest: this class needs a quote/),
    ]);
  });

  it('gives no bundle without a token that may operate', async () => {
    await incident(...REPORT);
    incidents.change(ID, { state: 'resolved' });
    writeFileSync(join(folder, 'other'), 'o'.repeat(40));
    const { status } = await incident('export', ID, '--out', 'none.json', '--token-file', 'other');
    expect(status).toBe(4);
  });

  it('does not sign while there is no containment to answer', async () => {
    await incident(...REPORT);
    incidents.change(ID, { containment_binding: null, state: 'containment_failed' });
    for (const argv of [
      ['ack', ID, ...as('bob')],
      ['resolve', ID, ...as('bob')],
      ['reattest', ID],
    ]) {
      const { status, err } = await incident(...argv);
      expect([status, err]).toEqual([3, expect.stringContaining('is not contained yet')]);
    }
    expect((await incidents.get(ID)).view.acknowledgements).toEqual([]);
  });

  it('tells a statement that the roles refuse, with status 4', async () => {
    await incident(...REPORT);
    // The containment changes between looking and sending.
    const say = incidents.say.bind(incidents);
    incidents.say = async (id, signal, said) => {
      incidents.change(ID, { containment_binding: 'e'.repeat(64) });
      return say(id, signal, said);
    };
    const { status, err } = await incident('ack', ID, ...as('bob'));
    expect([status, err]).toEqual([4, expect.stringContaining('refused: foreign_binding')]);
  });

  it.each([
    [['report'], '--class is missing'],
    [['report', '--class', 'integrity_violatoin'], 'Did you mean integrity_violation?'],
    [['report', '--class', 'integrity_violation', '--evidence', 'path'], '"path" is not NAME=VALUE'],
    [['report', '--class', 'integrity_violation', '--host', 'Edge 1'], 'at both ends, got "Edge 1"'],
    [['report', '--class', 'integrity_violation', '--source', ''], '--source: expected at least 1 character, got ""'],
    [['list', '--state', 'gone'], 'it is one of open, contained, containment_failed, resolved'],
    [['list', '--limit', '0'], '--limit: "0" is none'],
    [['get', 'INC-1'], '"INC-1" is not an incident id'],
    [['get', ID], `there is no incident ${ID}`],
    [['get'], 'INCIDENT is missing'],
    [['export'], '--out FILE is missing'],
    [['export', ID, '--forensic', '--out', 'x'], '--forensic is of all incidents'],
    [['export', 'INC-1', '--out', 'x'], '"INC-1" is not an incident id'],
    [['artifact', ID, 'token'], '--kind is missing'],
    [['artifact', ID, 'token', '--kind', 'manifets'], '--kind: "manifets" is none'],
    [['artifact', ID, 'nowhere', '--kind', 'manifest'], 'nowhere cannot be read: ENOENT'],
    [['artifact', ID, '.', '--kind', 'manifest'], '. is not a regular file'],
    [['accept-baseline', ID, 'token'], 'is no reference of a host'],
    [['reattest', ID, '--token-file', 'nowhere'], '--token-file: nowhere cannot be read'],
    [['reattest', ID, '--token-file', 'forensic.key'], `there is no incident ${ID}`],
  ])('says of %j what was expected, with status 2', async (argv, message) => {
    const { status, err } = await incident(...argv);
    expect([status, err]).toEqual([2, expect.stringContaining(message)]);
  });

  it('may do nothing without a token that needs one', async () => {
    writeFileSync(join(folder, 'other'), 'o'.repeat(40));
    const { status, err } = await incident(...REPORT, '--token-file', 'other');
    expect([status, err]).toEqual([4, expect.stringContaining('this token is not known here')]);
  });
});
