import { describe, expect, it } from 'vitest';
import { splitLine } from '../../../../client/cli/completion/command-line.js';
import { complete, type Completion } from '../../../../client/cli/completion/complete.js';
import { resealProgram } from '../../../../client/cli/program.js';

const program = resealProgram('0', () => Promise.resolve());
const at = (line: string): Completion => complete(program, splitLine(line));
const valuesAt = (line: string): string[] => at(line).candidates.map(({ value }) => value);

describe('when a line is split at the cursor', () => {
  it.each([
    ['reseal ', [], ''],
    ['reseal br', [], 'br'],
    ['reseal breakglass  list ', ['breakglass', 'list'], ''],
    ['reseal --justification "a b" \'c d\' e\\ f g', ['--justification', 'a b', 'c d', 'e f'], 'g'],
    ['reseal --justification "not fin', ['--justification'], 'not fin'],
    ['reseal ""', [], ''],
    ['rese', [], ''],
    ['', [], ''],
  ])('reads %j', (line, words, current) => {
    expect(splitLine(line)).toEqual({ words, current });
  });
});

describe('when a command line is completed', () => {
  it('offers commands, and those of a command, without the hidden ones', () => {
    expect(valuesAt('reseal ')).toEqual(expect.arrayContaining(['breakglass', 'approve', 'policy', 'dev']));
    expect(valuesAt('reseal ')).not.toContain('complete');
    expect(valuesAt('reseal app')).toEqual(['approve']);
    expect(valuesAt('reseal breakglass ')).toEqual(expect.arrayContaining(['list', 'check', 'watch', 'close', 'kill']));
    expect(valuesAt('reseal -o json --as alice breakglass l')).toEqual(['list']);
    expect(valuesAt('reseal breakglass --profile list ')).toContain('list');
  });

  it("offers a command's options and those of all commands, but none twice", () => {
    const options = valuesAt('reseal breakglass list --state active --');
    expect(options).toEqual(expect.arrayContaining(['--open', '--overdue', '--watch', '--output', '--as']));
    expect(options).not.toContain('--state');
    expect(valuesAt('reseal approve 0123456789abcdef --y')).toEqual(['--yes']);
    expect(valuesAt('reseal breakglass list ')).toContain('--open');
  });

  it.each([
    ['reseal breakglass --profile sec', '--profile', 'breakglass', 'sec', ''],
    ['reseal breakglass --profile=sec', '--profile', 'breakglass', 'sec', '--profile='],
    ['reseal -o ', '--output', '', '', ''],
    ['reseal approve 5f', 'event', 'approve', '5f', ''],
    ['reseal approve --as ', '--as', 'approve', '', ''],
    ['reseal breakglass kill --wait ended ', 'event', 'breakglass kill', '', ''],
    ['reseal breakglass-close ', 'event', 'breakglass-close', '', ''],
    ['reseal evidence verify ', 'file', 'evidence verify', '', ''],
    ['reseal completion ', 'shell', 'completion', '', ''],
  ])('asks for the value at the end of %j', (line, name, command, typed, prefix) => {
    expect(at(line)).toMatchObject({ ask: { name, command }, typed, prefix });
  });

  it('has nothing to say of what it does not know', () => {
    expect(at('reseal frobnicate --zzz ')).toMatchObject({ ask: null });
    expect(valuesAt('reseal breakglass list --frob')).toEqual([]);
    expect(at('reseal approve 0123456789abcdef x')).toMatchObject({ candidates: [], ask: null });
  });

  it('remembers what was given', () => {
    const { given } = at('reseal --gateway=http://x -o json approve ');
    expect([...given]).toEqual([
      ['--gateway', 'http://x'],
      ['--output', 'json'],
    ]);
  });
});
