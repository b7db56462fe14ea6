import { describe, expect, it } from 'vitest';
import { INCIDENT_CLASSES } from '../../../domain/incidents/classes.js';
import { DEFAULT_PLAYBOOK, playOf } from '../../../domain/incidents/playbook.js';
import { playbooksFileSchema } from '../../../domain/incidents/playbook-file.js';
import { requirementsOf } from '../../../domain/incidents/requirements.js';

const schema = 'reseal.playbooks.v1';
const read = (file: object) => playbooksFileSchema.safeParse({ schema, ...file });
const faults = (file: object): string[] =>
  read(file).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

describe('a playbooks file', () => {
  it('that says nothing is the built-in playbook', () => expect(read({}).data).toEqual(DEFAULT_PLAYBOOK));

  it('adds to it: worse, more, sooner, by more people, and its own choice of actions', () => {
    const play = playOf(DEFAULT_PLAYBOOK, 'tool_call_burst');
    const own = {
      ...{ severity: 'high', actions: ['disable_airlock'], latched: true, reattest: true, artifacts: ['manifest'] },
      escalation: { events: 2, seconds: 600, severity: 'critical', actions: ['force_vault_relock'] },
    };
    const operators = { waive: ['group:platform'] };
    const file = { classes: { tool_call_burst: own }, acknowledgements: { critical: 2 }, operators };
    const { data } = read(file);
    expect(data?.classes.tool_call_burst).toMatchObject(own);
    expect(data?.classes.prompt_injection).toEqual(DEFAULT_PLAYBOOK.classes.prompt_injection);
    expect(data).toMatchObject({ acknowledgements: { critical: 2, high: 1 }, operators });
    expect(play).toMatchObject({ severity: 'medium' });
  });

  it.each(INCIDENT_CLASSES)('takes nothing from what protects %s', (name) => {
    const fixed = playOf(DEFAULT_PLAYBOOK, name);
    const weaker: [string, object][] = [
      ...(fixed.latched ? ([['latched', { latched: false }]] as [string, object][]) : []),
      ...(fixed.reattest ? ([['reattest', { reattest: false }]] as [string, object][]) : []),
      ['severity', { severity: 'low' }],
    ];
    if (name !== 'forbidden_airlock_request')
      weaker.push(['actions', { actions: ['log_alert'] }], ['actions', { actions: [] }]);
    const rule = fixed.escalation;
    if (rule !== undefined)
      weaker.push(
        ['escalation', { escalation: undefined }],
        ['escalation', { escalation: { ...rule, events: rule.events + 1 } }],
        ['escalation', { escalation: { ...rule, seconds: rule.seconds - 1 } }],
        ['escalation', { escalation: { ...rule, severity: 'low' } }],
      );
    for (const [member, change] of weaker)
      expect(faults({ classes: { [name]: { ...fixed, ...change } } }), JSON.stringify(change)).toEqual([
        expect.stringMatching(new RegExp(`^classes\\.${name}\\.${member}: `)),
      ]);
    expect(faults({ classes: { [name]: fixed } })).toEqual([]);
  });

  it('is refused with members that there are not, and with lists that name nobody', () => {
    expect(faults({ class: {} })).toHaveLength(1);
    expect(faults({ classes: { tool_call_bursts: {} } })).not.toEqual([]);
    expect(faults({ operators: { release: [] } })).toEqual([
      'operators.release: name who may: an empty list would be nobody',
    ]);
    expect(faults({ operators: { release: ['security'] } })).toEqual([
      expect.stringContaining('expected group:<name>'),
    ]);
    expect(faults({ acknowledgements: { critical: 0 } })).toHaveLength(1);
  });

  it('asks for a signature wherever it says who may acknowledge', () => {
    const { data } = read({ operators: { acknowledge: ['group:security'] } });
    if (data === undefined) throw new Error('expected a good one');
    const of = { class: 'tool_call_burst', severity: 'medium' } as const;
    expect(requirementsOf(DEFAULT_PLAYBOOK, of)).toMatchObject({ signed: false });
    expect(requirementsOf(data, of)).toMatchObject({ signed: true, operators: data.operators });
  });
});
