/** What `tmux capture-pane -e` writes, as a page that looks like the terminal it came from. */
export function terminalPage(screen: string, { title }: { title: string }): string {
  const body = screenHtml(screen.replace(/\n+$/, ''));
  return `<!doctype html><html><head><meta charset="utf-8"><title>${escaped(title)}</title><style>
html, body { margin: 0; background: #11161d; }
pre { margin: 0; padding: ${PADDING}px; font: ${FONT_PX}px/${LINE_PX}px "DejaVu Sans Mono", monospace; color: #d6dce5; }
b { color: #ffffff; font-weight: bold; } i { font-style: normal; color: #7d8795; }
</style></head><body><pre>${body}</pre></body></html>\n`;
}

/** How large such a page is, in pixels. */
export function pageSize(screen: string, columns: number): { width: number; height: number } {
  const lines = screen.replace(/\n+$/, '').split('\n').length;
  return { width: Math.ceil(columns * CHARACTER_PX) + 2 * PADDING, height: lines * LINE_PX + 2 * PADDING };
}

const FONT_PX = 14;
const LINE_PX = 20;
const PADDING = 18;
/** The advance of DejaVu Sans Mono is 0.602 em. */
const CHARACTER_PX = FONT_PX * 0.6021;

/** The colours that the command line uses, by SGR number (ECMA-48 8.3.117). */
const COLOURS: Readonly<Record<number, string>> = {
  31: '#ff7b72',
  32: '#57d38c',
  33: '#e3b341',
  34: '#79a8ff',
  35: '#d2a8ff',
  36: '#6cc4f5',
};

interface Look {
  colour: string | undefined;
  bold: boolean;
  dim: boolean;
}

const PLAIN: Look = { colour: undefined, bold: false, dim: false };

/** tmux writes a look once, and it holds until the next, over the ends of lines too. */
function screenHtml(screen: string): string {
  let look = PLAIN;
  let html = '';
  // eslint-disable-next-line no-control-regex -- the escape sequences of tmux are what is read
  for (const [, codes, text = ''] of screen.matchAll(/(?:\u001b\[([0-9;]*)m)?([^\u001b]*)/g)) {
    if (codes !== undefined) look = changed(look, codes);
    if (text !== '') html += drawn(look, text);
  }
  return html;
}

function changed(look: Look, codes: string): Look {
  let next = look;
  for (const code of codes.split(';').map(Number)) {
    if (code === 0) next = PLAIN;
    else if (code === 1) next = { ...next, bold: true };
    else if (code === 2) next = { ...next, dim: true };
    else if (code === 22) next = { ...next, bold: false, dim: false };
    else if (code === 39) next = { ...next, colour: undefined };
    else if (COLOURS[code] !== undefined) next = { ...next, colour: COLOURS[code] };
  }
  return next;
}

function drawn({ colour, bold, dim }: Look, text: string): string {
  const inner = colour === undefined ? escaped(text) : `<span style="color:${colour}">${escaped(text)}</span>`;
  if (bold) return `<b>${inner}</b>`;
  return dim ? `<i>${inner}</i>` : inner;
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
