import { describe, expect, it } from 'vitest';
import { pageSize, terminalPage } from '../../../../deploy/local/terminal-session/ansi-html.js';

const bodyOf = (screen: string): string =>
  /<pre>([\s\S]*)<\/pre>/.exec(terminalPage(screen, { title: 't' }))?.[1] ?? '';

describe('when a terminal is drawn', () => {
  it('keeps colours, bold and dim, and ends them where the terminal did', () => {
    expect(bodyOf('\u001b[36m$ reseal\u001b[39m x')).toBe('<span style="color:#6cc4f5">$ reseal</span> x');
    expect(bodyOf('\u001b[1mopen\u001b[0m now')).toBe('<b>open</b> now');
    expect(bodyOf('\u001b[2mlater\u001b[22m now')).toBe('<i>later</i> now');
    expect(bodyOf('\u001b[1;31moverdue\u001b[0m')).toBe('<b><span style="color:#ff7b72">overdue</span></b>');
  });

  it('keeps a look over the end of a line, as tmux does for what it wrapped, and passes over what it does not know', () => {
    expect(bodyOf('\u001b[36ma\nb\u001b[39m\nc')).toBe('<span style="color:#6cc4f5">a\nb</span>\nc');
    expect(bodyOf('\u001b[48;5;9mx\u001b[m')).toBe('x');
  });

  it('lets no text become markup', () => {
    expect(bodyOf('<script>&"')).toBe('&lt;script&gt;&amp;&quot;');
    expect(terminalPage('', { title: '</title><script>' })).not.toContain('<script>');
  });

  it('is as large as its lines', () => {
    const [one, two] = [pageSize('a\n', 80), pageSize('a\nb\n\n', 80)];
    expect(two.height - one.height).toBe(20);
    expect(pageSize('a', 160).width).toBeGreaterThan(one.width);
  });
});
