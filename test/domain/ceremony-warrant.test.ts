import { describe, expect, it } from 'vitest';
import { commands } from '../../domain/ceremony-commands.js';
import { MAX_RENEWALS } from '../../domain/ceremony-warrant.js';
import { ENDS, PHASES } from '../../domain/ceremony-state.js';
import { run, type CeremonyRun } from './ceremony-run.js';
import * as scene from './scene.js';

const { sam, alice, MINUTE } = scene;

const renewing = (): CeremonyRun => run().toGranting().warrantExpired();
const keys = ({ state }: CeremonyRun): string[] => commands(state).map(({ key }) => key);

/** A ceremony in each phase that has one way in; `granting` twice, since a grant may be known there already. */
const IN: Readonly<Record<string, () => CeremonyRun>> = {
  requested: () => run(),
  awaiting_approval: () => run().toAwaitingApproval(),
  issuing: () => run().toIssuing(),
  'issuing, killed': () => run().toIssuing().say(sam, 'kill'),
  'granting, granted': () => run().toGranting().granted(),
  active_unverified: () => run().toGranting().granted().tell({ type: 'verify_overdue' }),
  active: () => run().toActive(),
  resealing: () => run().toGranting().say(sam, 'kill'),
  refused: () =>
    run()
      .toAwaitingApproval()
      .tell({ type: 'tick' })
      .after(31 * MINUTE),
  cancelled: () => run().toAwaitingApproval().say(sam, 'kill'),
  closed: () => run().toResealing().wrapUp(),
  not_granted: () => run().toGranting().applyRefused(true).nothingSeen().absent(),
};

describe('the warrant of a grant', () => {
  it('comes with the intent and is kept for the effect', () => {
    expect(run().toGranting().state).toMatchObject({ warrant: 'warrant', renewals: 0, renewing: false });
  });

  it('is missing in an answer of an earlier version: the effect is asked all the same, and will say so', () => {
    const ceremony = run().toIssuing().issue(false, { warrant: null });
    expect(ceremony.wants()).toEqual(['apply']);
    expect(ceremony.warrantExpired().wants()).toEqual(['issue']);
  });
});

describe('a warrant that the effect finds to be over', () => {
  it('is asked for again, and the grant then tried again as one that was tried before', () => {
    const ceremony = renewing();
    expect(keys(ceremony)).toEqual(['issue/1']);
    expect(ceremony.state).toMatchObject({ phase: 'granting', warrant: null, tried_before: true });
    ceremony.issue(true, { warrant: 'another' });
    expect(keys(ceremony)).toEqual(['apply/1']);
    expect(ceremony.state).toMatchObject({ warrant: 'another', renewing: false, tried_before: true });
    expect(ceremony.granted().verified().state).toMatchObject({ phase: 'active' });
  });

  it('is asked for once a time: the same word again changes nothing', () => {
    const ceremony = renewing();
    const { state } = ceremony;
    expect(ceremony.warrantExpired().state).toEqual(state);
  });

  it('numbers each piece of work, so that none is taken for the one before', () => {
    const ceremony = renewing().issue(true).warrantExpired();
    expect(keys(ceremony)).toEqual(['issue/2']);
    expect(keys(ceremony.issue(true))).toEqual(['apply/2']);
  });

  it('ends the ceremony after so many that only clocks which disagree can explain it', () => {
    const ceremony = run().toGranting();
    for (let index = 0; index < MAX_RENEWALS; index += 1) ceremony.warrantExpired().issue(true);
    expect(ceremony.state.phase).toBe('granting');
    ceremony.warrantExpired();
    expect(ceremony.state).toMatchObject({ phase: 'resealing', refusal: { code: 'warrant_expired' }, mark: 'pending' });
    expect(ceremony.wants()).toContain('rollback');
  });
});

describe('while another warrant is asked for', () => {
  it('a refusal ends the ceremony, and what may have been granted is resealed', () => {
    for (const standing of [true, false]) {
      const ceremony = renewing().issueRefused(standing);
      expect(ceremony.state).toMatchObject({
        phase: 'resealing',
        ending: { cause: 'not_issued' },
        grant: 'unanswered',
        refusal: { code: 'not_now' },
        mark: 'pending',
      });
      expect(ceremony.state.signed).not.toBeNull();
      expect(ceremony.wants()).toEqual(['rollback', 'mark']);
    }
  });

  it('another intent than the one held is none: what is held is resealed', () => {
    const ceremony = renewing();
    const held = ceremony.state.signed;
    ceremony.issue(true, { signed: scene.intentUntil(scene.T0 + 39 * MINUTE) });
    expect(ceremony.state).toMatchObject({ phase: 'resealing', refusal: { code: 'intent_differs' } });
    expect(ceremony.state.signed).toEqual(held);
    expect(ceremony.state.reseal?.signed).toEqual(held);
  });

  it('a kill reseals at once, and no answer brings the grant back', () => {
    const ceremony = renewing().say(sam, 'kill');
    expect(ceremony.state).toMatchObject({ phase: 'resealing', ending: { cause: 'kill' } });
    expect(ceremony.wants()).toEqual(['rollback', 'mark']);
    const { state } = ceremony;
    expect(ceremony.issue(true).state).toEqual(state);
    expect(ceremony.issueRefused(true).state).toEqual(state);
  });

  it('the deadline passes', () => {
    const ceremony = renewing().after(40 * MINUTE);
    expect(ceremony.state).toMatchObject({ phase: 'resealing', ending: { cause: 'deadline' } });
  });

  it('a close by the invoker is heard', () => {
    expect(renewing().say(alice, 'close').state).toMatchObject({ phase: 'resealing', ending: { cause: 'close' } });
  });

  it('the answer of an earlier grant counts, and the asking is over', () => {
    const ceremony = renewing().granted();
    expect(ceremony.wants()).toEqual(['verify']);
    const { state } = ceremony;
    expect(state.renewing).toBe(false);
    expect(ceremony.issue(true).state).toEqual(state);
    expect(ceremony.issueRefused(true).state).toEqual(state);
  });

  it('a late refusal of an earlier grant ends the ceremony', () => {
    expect(renewing().applyRefused(false).state).toMatchObject({ phase: 'resealing', grant: 'unanswered' });
  });

  it('a continued run goes on asking', () => {
    const ceremony = renewing();
    const carried = JSON.parse(JSON.stringify(ceremony.state)) as typeof ceremony.state;
    expect(commands(carried)).toEqual(commands(ceremony.state));
  });
});

describe('outside of a grant', () => {
  it.each(Object.keys(IN))('"warrant expired" changes nothing: %s', (name) => {
    const ceremony = IN[name]?.() ?? run();
    const { state } = ceremony;
    expect(ceremony.warrantExpired().state).toEqual(state);
  });

  it('was looked at in every phase that is not an end', () => {
    const met = new Set(Object.values(IN).map((begin) => begin().state.phase));
    expect([...met]).toEqual(expect.arrayContaining(PHASES.filter((phase) => phase !== 'granting')));
    expect(ENDS.some((end) => met.has(end))).toBe(true);
  });

  it('an answer of the authority after the grant began changes nothing', () => {
    for (const begin of [() => run().toGranting(), () => run().toGranting().granted(), () => run().toActive()]) {
      const ceremony = begin();
      const { state } = ceremony;
      expect(ceremony.issue(true).state).toEqual(state);
      expect(ceremony.issueRefused(true).state).toEqual(state);
    }
  });
});
