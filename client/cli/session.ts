import { styleText } from 'node:util';
import type { Phase } from '../../domain/ceremony-state.js';
import { ENDS } from '../../domain/ceremony-state.js';
import type { ResealApi } from '../api/reseal-api.js';
import { ResealError } from '../api/reseal-error.js';
import { loadSettings, type Settings } from '../config/settings.js';
import type { Io } from './io.js';
import type { GlobalOptions } from './options.js';
import { printable } from './printable.js';

export const OUTPUTS = ['table', 'json', 'yaml'] as const;
export type Output = (typeof OUTPUTS)[number];
type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan';

/** One run of a command: what it was told, where it writes, and the connection it opens when it first needs one. */
export class Session {
  readonly output: Output;
  private loaded: Promise<Settings> | undefined;
  private opened: Promise<ResealApi> | undefined;

  constructor(
    readonly io: Io,
    readonly options: GlobalOptions,
  ) {
    const output = OUTPUTS.find((name) => name === options.output);
    if (output === undefined) {
      throw new ResealError('usage', `--output is one of ${OUTPUTS.join(', ')}, not "${options.output}"`);
    }
    this.output = output;
  }

  settings(): Promise<Settings> {
    const { as, key, gateway } = this.options;
    const flags = {
      ...(as === undefined ? {} : { as }),
      ...(key === undefined ? {} : { key }),
      ...(gateway === undefined ? {} : { gateway }),
    };
    return (this.loaded ??= loadSettings({ flags, env: this.io.env, cwd: this.io.cwd }));
  }

  api(): Promise<ResealApi> {
    return (this.opened ??= this.connect());
  }

  private async connect(): Promise<ResealApi> {
    const settings = await this.settings();
    if (this.io.connect !== undefined) return this.io.connect(settings);
    if (this.options.direct === true) {
      const { connectDirect } = await import('./connect-direct.js');
      return connectDirect(settings, this.io.env);
    }
    const { HttpApi } = await import('../api/http-api.js');
    return new HttpApi({ url: settings.gatewayUrl });
  }

  async close(): Promise<void> {
    const api = await this.opened?.catch(() => undefined);
    await api?.close();
  }

  now(): number {
    return (this.io.now ?? Date.now)();
  }

  /** Whether a person can be asked. */
  get asks(): boolean {
    return this.io.isTTY && this.options.input;
  }

  /** Data, on standard output. */
  data(text: string): void {
    this.io.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** A message for the person, on standard error; `--quiet` leaves it out. */
  say(text: string): void {
    if (this.options.quiet !== true) this.io.stderr.write(`${printable(text)}\n`);
  }

  /** A message that `--quiet` does not leave out. */
  warn(text: string): void {
    this.io.stderr.write(`${printable(text)}\n`);
  }

  /** The next command to run. */
  next(text: string): void {
    this.say(`next: ${text}`);
  }

  private get colours(): boolean {
    const { env, stdoutTTY } = this.io;
    return this.options.color && stdoutTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  }

  /** Text for standard output, in colour where that is a terminal that wants it. */
  style(style: Style, text: string): string {
    return this.colours ? styleText(style, text, { validateStream: false }) : text;
  }

  stateText(state: Phase): string {
    if (state === 'active') return this.style('green', state);
    if (state === 'active_unverified' || state === 'resealing') return this.style('yellow', state);
    return (ENDS as readonly string[]).includes(state) ? this.style('dim', state) : this.style('cyan', state);
  }
}
