import { describe, expect, it } from 'vitest';
import { closest, didYouMean } from '../../../client/cli/suggest.js';

const PROFILES = ['security-admin', 'global-admin', 'exchange-admin', 'helpdesk'];

describe('when a name is misspelt', () => {
  it.each([
    ['securty-admin', 'security-admin'],
    ['Security-Admin', 'security-admin'],
    ['secruity-admin', 'security-admin'],
    ['help', 'helpdesk'],
    ['gloabl-admin', 'global-admin'],
  ])('finds what %s was meant to be', (word, name) => {
    expect(closest(word, PROFILES)[0]).toBe(name);
  });

  it.each(['', 'x', 'billing', 'zzzzzzzzzzzzzz', 's'.repeat(10_000)])('guesses nothing for %.20s', (word) => {
    expect(closest(word, PROFILES)).toEqual([]);
    expect(didYouMean(word, PROFILES)).toBe('');
  });

  it('names at most three, the nearest first', () => {
    expect(closest('aaa', ['aab', 'aaa1', 'aac', 'aad', 'aaa'])).toEqual(['aaa', 'aaa1', 'aab']);
    expect(didYouMean('ab', ['abc', 'abd'])).toBe(' Did you mean abc or abd?');
  });
});
