import type { Command } from 'commander';
import type { Session } from '../session.js';

/** Runs an action for a command and keeps its exit status. Actions are loaded when they run, so that help is quick. */
export type Run = (command: Command, action: (session: Session) => Promise<number>) => Promise<void>;

/** Examples below a command's help. */
export const examples = (...lines: string[]): string =>
  `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`;
