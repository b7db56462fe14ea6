import { styleText } from 'node:util';
import type { Phase } from '../../domain/ceremony-state.js';
import { ENDS } from '../../domain/ceremony-state.js';
import type { ResealApi } from '../api/reseal-api.js';
import { ResealError } from '../api/reseal-error.js';
import { loadSettings, type Settings } from '../config/settings.js';
import type { Io } from './io.js';
import type { GlobalOptions } from './options.js';
import { LineReader } from './line-reader.js';
import { oneLine, printable } from './printable.js';
import { StatusLine } from './status-line.js';
import { readerZone } from './times.js';

export const OUTPUTS = ['table', 'json', 'yaml'] as const;
export type Output = (typeof OUTPUTS)[number];
type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan';

/** One run of a command: what it was told, where it writes, and the connection it opens when it first needs one. */
export class Session {
  readonly output: Output;
  private loaded: Promise<Settings> | undefined;
  private opened: Promise<ResealApi> | undefined;
  private lines: LineReader | undefined;
  readonly status: StatusLine;
  /** IANA zone in which times are shown. */
  readonly zone: string;

  constructor(
    readonly io: Io,
    readonly options: GlobalOptions,
  ) {
    const output = OUTPUTS.find((name) => name === options.output);
    if (output === undefined) {
      throw new ResealError('usage', `--output is one of ${OUTPUTS.join(', ')}, not "${options.output}"`);
    }
    this.output = output;
    this.zone = readerZone(io.env);
    this.status = new StatusLine(io.stderr, {
      live: io.stderrTTY === true && io.env['TERM'] !== 'dumb',
      silent: options.quiet === true,
      columns: io.columns ?? 80,
    });
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
    if (this.io.connect !== undefined) return this.tell('the gateway', await this.io.connect(settings));
    if (this.options.direct === true) {
      const { connectDirect } = await import('./connect-direct.js');
      return this.tell('Temporal', await this.during('connecting to Temporal', connectDirect(settings, this.io.env)));
    }
    const { HttpApi } = await import('../api/http-api.js');
    return this.tell('the gateway', new HttpApi({ url: settings.gatewayUrl }));
  }

  /** The same api; a call of it that takes long is told on the status line. */
  private tell(whom: string, api: ResealApi): ResealApi {
    return new Proxy(api, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        const call = member as (...args: unknown[]) => unknown;
        return (...args: unknown[]) => this.during(`waiting for ${whom}`, Promise.resolve(call.apply(target, args)));
      },
    });
  }

  /** Waits for the work, and says so when that takes longer than two seconds. */
  async during<T>(text: string, work: Promise<T>): Promise<T> {
    const done = this.status.begin(text);
    try {
      return await work;
    } finally {
      done();
    }
  }

  /** Asks on standard error and answers one typed line; undefined when there is none to come. Throws `Interrupted`. */
  ask(question: string): Promise<string | undefined> {
    this.status.clear();
    const { env, stderrTTY } = this.io;
    const bold = this.options.color && stderrTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
    this.io.stderr.write(
      bold ? styleText('bold', printable(question), { validateStream: false }) : printable(question),
    );
    this.lines ??= new LineReader(this.io.stdin, this.io.signal);
    return this.lines.next();
  }

  async close(): Promise<void> {
    this.lines?.close();
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
    this.status.clear();
    this.io.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** What moves the cursor of a terminal, as it is. */
  draw(text: string): void {
    this.status.clear();
    this.io.stdout.write(text);
  }

  /** A terminal has shown `^C`: what comes next begins a line of its own. */
  afterInterrupt(): void {
    this.status.clear();
    if (this.io.stderrTTY === true) this.io.stderr.write('\n');
  }

  /** One line for the person, on standard error; `--quiet` leaves it out. */
  say(text: string): void {
    if (this.options.quiet !== true) this.warn(text);
  }

  /** One line that `--quiet` does not leave out. */
  warn(text: string): void {
    this.show(oneLine(text));
  }

  /** Several lines for the person, on standard error. Each value in them must be on one line already. */
  show(text: string): void {
    this.status.clear();
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
