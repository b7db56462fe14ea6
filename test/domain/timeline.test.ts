import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeMarkdown, timeline } from '../../domain/timeline.js';
import { viewOf } from '../../domain/view.js';
import { run } from './ceremony-run.js';
import * as scene from './scene.js';

/** Characters that begin something in Markdown and stand there without a backslash before them. */
function live(text: string): string[] {
  const bare = text.replace(/\\[\\`*_{}[\]()#+\-.!|<>~:&$^]/g, '');
  return bare.match(/[\\`*_{}[\]()#+!|<>~&$^\n\r]|:\/\//g) ?? [];
}

const HOSTILE = [
  '[click here](https://evil.example)',
  '![pixel](https://evil.example/x.png)',
  '<img src=x onerror=alert(1)>',
  '<https://evil.example>',
  'https://evil.example/autolink',
  'www.evil.example',
  'mallory@evil.example',
  'one | two | three',
  'a\n\n# heading',
  'a\r\n| --- | --- |',
  '`code` and ```fence```',
  '**bold** _it_ ~~gone~~',
  '- list\n1. list',
  '&lt;b&gt; &#x3c;',
  '\\[escaped\\](x)',
  '\\',
  '$x^2$',
  '> quote\u2028> quote',
];

describe('text from outside', () => {
  it.each(HOSTILE)('stays text: %j', (text) => {
    const escaped = escapeMarkdown(text);
    expect(live(escaped)).toEqual([]);
    expect(escaped).not.toMatch(/[\n\r\u2028\u2029]/);
  });

  it('stays text whatever it is, and loses nothing but the kind of its spaces', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const escaped = escapeMarkdown(text);
        expect(live(escaped)).toEqual([]);
        const back = escaped.replace(/\\([\\`*_{}[\]()#+\-.!|<>~:&$^])/g, '$1');
        expect(back).toBe(text.replace(/\s+/g, ' '));
      }),
      { numRuns: 500 },
    );
  });
});

describe('the timeline', () => {
  it('tells the ceremony in the order it happened', () => {
    const ceremony = run().toActive().after(scene.MINUTE).say(scene.sam, 'kill').removed().sessionsEnded().absent();
    const text = timeline(viewOf(ceremony.audited().state));
    const told = text.split('\n').filter((line) => /^- `\d/.test(line));
    expect(told.map((line) => line.split(' ')[2])).toEqual([
      'asked',
      'approved',
      'approved',
      'active,',
      'resealing:',
      'removal',
      'sessions',
      'seen',
      'confirmed',
      'ended:',
      'the',
    ]);
    expect(text).toContain('resealing: kill by sam');
    expect(text.startsWith('**revoked**')).toBe(true);
  });

  it('keeps hostile words of the request inside their own line', () => {
    for (const justification of HOSTILE) {
      const upn = 'x|y](https://evil.example)<b>';
      const request = { ...scene.REQUEST, justification, principal: { ...scene.REQUEST.principal, upn } };
      const ceremony = run({ request }).toActive();
      ceremony.watched([{ code: 'foreign_change', detail: justification }]);
      const lines = timeline(viewOf(ceremony.state)).split('\n');
      const rows = lines.filter((line) => line.startsWith('- `'));
      expect(rows).toHaveLength(5);
      for (const row of rows)
        expect(live(row.replace(/^- `[\d:Z]+`/, '').replace(/\*\*foreign_change\*\*| \(software key\)$/, ''))).toEqual(
          [],
        );
      expect(lines).toHaveLength(9);
    }
  });

  it('never tears a character in two', () => {
    const request = { ...scene.REQUEST, justification: `x${'🚨'.repeat(999)}` };
    const text = timeline(viewOf(run({ request }).toActive().state));
    expect(Buffer.from(text, 'utf8').toString('utf8')).toBe(text);
  });

  it('stays under 10 KiB and still tells the end, however much there is to tell', () => {
    const request = { ...scene.REQUEST, justification: '|'.repeat(1000) };
    const aliases = ['_'.repeat(256)];
    const ceremony = run({ request }).toAwaitingApproval();
    for (let n = 0; n < 30; n += 1) ceremony.say(scene.person(`p${n}`, 50 + n, ['security'], { aliases }), 'approve');
    ceremony.say(scene.carol, 'approve').issue().granted().verified();
    for (let n = 0; n < 64; n += 1) ceremony.watched([{ code: 'foreign_change', detail: `${n}${'<'.repeat(490)}` }]);
    ceremony.say(scene.sam, 'kill').removed().absent();
    const text = timeline(viewOf(ceremony.state));
    expect(Buffer.byteLength(text)).toBeLessThan(10 * 1024);
    expect(text).toContain('ended: **revoked**');
    expect(text).toContain('confirmed gone');
  });
});
