import { describe, expect, it } from 'vitest';
import { mayAct, relationsOf, RIGHTS, type Relation } from '../../domain/rights.js';
import { ACTS, type Act } from '../../domain/statement.js';
import * as scene from './scene.js';

const { TERMS, REQUEST } = scene;
const RELATIONS: readonly Relation[] = ['approver', 'author', 'invoker', 'principal', 'responder', 'bystander'];
const yes = true;
const no = false;
/** The whole table: act × relation, in the order of RELATIONS. */
const TABLE: Readonly<Record<Act, readonly boolean[]>> = {
  approve: [yes, no, no, no, no, no],
  deny: [yes, no, no, no, no, no],
  withdraw: [no, yes, no, no, no, no],
  close: [no, no, yes, yes, no, no],
  kill: [yes, no, yes, yes, yes, no],
  extend: [no, no, yes, no, no, no],
  review: [no, no, no, no, no, yes],
};

describe('who may do what', () => {
  for (const act of ACTS)
    for (const [index, relation] of RELATIONS.entries()) {
      const allowed = TABLE[act][index] ?? no;
      it(`${allowed ? 'lets' : 'does not let'} the ${relation} ${act}`, () => {
        expect(mayAct(act, new Set([relation]))).toBe(allowed);
      });
    }

  it('lets a person do what any of their relations allows, and strangers nothing', () => {
    for (const act of ACTS) {
      expect(mayAct(act, new Set())).toBe(false);
      expect(mayAct(act, new Set(RELATIONS))).toBe(true);
    }
  });

  it('knows no other act', () => {
    expect(Object.keys(RIGHTS).sort()).toEqual([...ACTS].sort());
  });
});

describe('how a person stands to a ceremony', () => {
  const of = (who: (typeof scene.PEOPLE)[number], approvedBy: string[] = []) =>
    [...relationsOf(who, REQUEST, TERMS, new Set(approvedBy))].sort();

  it.each([
    ['alice', ['invoker']],
    ['bob', ['approver', 'bystander']],
    ['carol', ['approver', 'bystander']],
    ['dave', ['approver', 'bystander']],
    ['pat', ['principal']],
    ['sam', ['bystander', 'responder']],
    ['robot', []],
    ['zed', ['bystander']],
  ])('%s: %j', (id, relations) => {
    const who = scene.PEOPLE.find((known) => known.id === id);
    expect(who && of(who)).toEqual(relations);
  });

  it('an author is whoever approved, as long as the approval stands', () => {
    expect(of(scene.bob, ['bob'])).toEqual(['approver', 'author', 'bystander']);
    expect(of(scene.bob, ['carol'])).toEqual(['approver', 'bystander']);
  });

  it('an agent may be a responder', () => {
    expect(of({ ...scene.robot, groups: ['soc'] })).toEqual(['responder']);
  });

  it('the invoker who is also the principal is both, and no approver', () => {
    expect(of({ ...scene.alice, object_ids: [scene.PRINCIPAL], groups: ['security'] })).toEqual([
      'invoker',
      'principal',
    ]);
  });
});
