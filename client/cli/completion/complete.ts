import type { Argument, Command, Option } from 'commander';
import type { CommandLine } from './command-line.js';

/** One completion, and one line about it. */
export interface Candidate {
  value: string;
  about: string;
}

/** What may stand at the cursor: candidates, or what somebody else must know. */
export interface Completion {
  candidates: Candidate[];
  /** A value that is known elsewhere: of which option (`--profile`) or argument (`event`), and for which command. */
  ask: { name: string; placeholder: string; command: string } | null;
  /** What stands before the value in the word at the cursor, such as `--profile=`. */
  prefix: string;
  /** The part of that value which has been typed. */
  typed: string;
  /** Values of the options that have been given, by long name. */
  given: ReadonlyMap<string, string>;
}

/** What commander's own command tree says of a line. */
export function complete(program: Command, { words, current }: CommandLine): Completion {
  const { command, pending, positional, given } = walk(program, words);
  const none = { candidates: [], ask: null, prefix: '', typed: current, given };
  if (pending !== undefined) return { ...none, ask: askOf(pending, command) };
  const [, long, typed] = /^(--[a-z-]+)=(.*)$/s.exec(current) ?? [];
  if (long !== undefined && typed !== undefined) {
    const option = optionsOf(command).find((one) => one.long === long && takesValue(one));
    return { ...none, prefix: `${long}=`, typed, ask: option === undefined ? null : askOf(option, command) };
  }
  const options = optionsOf(command)
    .filter(({ hidden, long: name = '' }) => !hidden && !given.has(name))
    .map(({ long: name = '', description }) => ({ value: name, about: description }));
  if (current.startsWith('-')) return { ...none, candidates: startingWith(options, current) };
  const children = positional === 0 ? childrenOf(command) : [];
  const argument = command.registeredArguments.at(positional) ?? variadicOf(command.registeredArguments);
  const ask = argument === undefined ? null : askOf(argument, command);
  const candidates = children.length === 0 && ask === null && current === '' ? options : children;
  return { ...none, candidates: startingWith(candidates, current), ask };
}

export const startingWith = (candidates: readonly Candidate[], typed: string): Candidate[] =>
  candidates.filter(({ value }) => value.startsWith(typed));

interface Walked {
  command: Command;
  /** The option whose value comes next. */
  pending: Option | undefined;
  /** Arguments of the command that have been given. */
  positional: number;
  given: Map<string, string>;
}

function walk(program: Command, words: readonly string[]): Walked {
  const walked: Walked = { command: program, pending: undefined, positional: 0, given: new Map() };
  for (const word of words) {
    const { command, pending, given } = walked;
    if (pending !== undefined) {
      given.set(pending.long ?? '', word);
      walked.pending = undefined;
    } else if (word.startsWith('-') && word !== '-') {
      const [name = '', value] = word.startsWith('--')
        ? splitOnce(word)
        : [word.slice(0, 2), word.slice(2) || undefined];
      const option = optionsOf(command).find(({ long, short }) => name === long || name === short);
      if (option === undefined) continue;
      given.set(option.long ?? name, value ?? '');
      if (value === undefined && takesValue(option)) walked.pending = option;
    } else {
      const child = walked.positional === 0 ? command.commands.find((one) => one.name() === word) : undefined;
      if (child === undefined) walked.positional += 1;
      else walked.command = child;
    }
  }
  return walked;
}

/** A command's own options, and those of the commands above it: commander takes them anywhere. */
function optionsOf(command: Command): Option[] {
  const options = new Map<string, Option>();
  for (let at: Command | null = command; at !== null; at = at.parent)
    for (const option of at.options) if (!options.has(option.long ?? '')) options.set(option.long ?? '', option);
  return [...options.values()];
}

const takesValue = ({ required, optional }: Option): boolean => required || optional;

function childrenOf(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((child) => ({ value: child.name(), about: child.description() }))
    .filter(({ value }) => value !== 'help');
}

const variadicOf = (args: readonly Argument[]): Argument | undefined => args.find(({ variadic }) => variadic);

function askOf(of: Option | Argument, command: Command): Completion['ask'] {
  const path: string[] = [];
  for (let at: Command | null = command; at?.parent; at = at.parent) path.unshift(at.name());
  if (!('flags' in of)) return { name: of.name(), placeholder: of.name(), command: path.join(' ') };
  const placeholder = /[<[]([^>\]]*)[>\]]/.exec(of.flags)?.[1] ?? '';
  return { name: of.long ?? '', placeholder, command: path.join(' ') };
}

function splitOnce(word: string): [string, string | undefined] {
  const at = word.indexOf('=');
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}
