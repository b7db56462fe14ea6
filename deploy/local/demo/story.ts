import path from 'node:path';
import { styleText } from 'node:util';
import { run } from '../../../client/cli/run.js';

/** How the demo speaks: numbered steps, the commands as anybody would type them, and what they answered. */
export class Story {
  private steps = 0;
  private readonly began = Date.now();
  readonly failures: string[] = [];

  /** `folder` is where the demo was started: what lies in it is shown as one would type it there. */
  constructor(
    private readonly write: (text: string) => void,
    private readonly colour: boolean,
    private readonly folder: string,
  ) {}

  title(text: string): void {
    this.write(`\n${this.style('bold', text)}\n`);
  }

  step(text: string): void {
    this.steps += 1;
    const clock = `${((Date.now() - this.began) / 1000).toFixed(1)} s`;
    this.write(`\n${this.style('bold', `${this.steps}. ${text}`)}  ${this.style('dim', clock)}\n`);
  }

  say(text: string): void {
    this.write(`   ${text}\n`);
  }

  /** Checks what the story claims; a claim that does not hold fails the demo and is told again at its end. */
  claim(text: string, holds: boolean): void {
    this.write(`   ${holds ? this.style('green', '✓') : this.style('red', '✗')} ${text}\n`);
    if (!holds) this.failures.push(text);
  }

  /** Runs one command line as a person in `cwd` would and shows it with its answer. */
  async command(
    cwd: string,
    argv: readonly string[],
    show: (line: string) => boolean = () => true,
  ): Promise<{ status: number; out: string }> {
    this.write(`   ${this.style('cyan', `$ reseal ${argv.map((word) => quoted(this.near(word))).join(' ')}`)}\n`);
    let out = '';
    let told = '';
    const status = await run(argv, {
      stdout: { write: (text: string) => ((out += text), (told += text)) },
      stderr: { write: (text: string) => (told += text) },
      stdin: process.stdin,
      env: { PATH: process.env.PATH, TZ: 'UTC', NO_COLOR: '1' },
      cwd,
      isTTY: false,
    });
    for (const line of told.split('\n').filter((text) => text.trim() !== '' && show(text))) {
      this.write(`     ${this.style('dim', this.near(line))}\n`);
    }
    return { status, out };
  }

  get seconds(): number {
    return (Date.now() - this.began) / 1000;
  }

  private near(text: string): string {
    return text.replaceAll(`${this.folder}${path.sep}`, '');
  }

  private style(format: 'bold' | 'dim' | 'green' | 'red' | 'cyan', text: string): string {
    return this.colour ? styleText(format, text) : text;
  }
}

const quoted = (word: string): string => (/^[\w./:@=-]+$/.test(word) ? word : `'${word}'`);
