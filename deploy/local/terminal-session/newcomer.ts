import type { TmuxPane } from './tmux-pane.js';

const EVENT = /accepted: event ([0-9a-f]{16})/;
/** The shell's prompt on the last line: the command before it has ended. */
const PROMPT = /(^|\n)\$\n$/;

/**
 * A newcomer's first ceremony, typed into a real terminal in a folder where `reseal dev` runs: they ask and are asked,
 * two people approve, they look at it, let some time pass, and close it. Throws when a step does not come.
 */
export async function firstCeremony(pane: TmuxPane): Promise<void> {
  const enter = async (text: string): Promise<void> => {
    await pane.type(text);
    await pane.press('Enter');
  };
  const prompt = (): Promise<string> => pane.until(PROMPT);
  const answer = async (question: RegExp, text: string): Promise<void> => {
    await pane.until(question);
    await enter(text);
  };

  await prompt();
  await enter('reseal breakglass');
  await answer(/^who acts \(.*\):\n$/m, 'alice');
  await answer(/^profile \(.*\):\n$/m, '1');
  await answer(/^reason code \(.*\):\n$/m, 'incident');
  await answer(/^why\?.*:\n$/m, 'Phishing wave: block the senders and purge the mail');
  await answer(/^for how long.*:\n$/m, '');
  const event = EVENT.exec(await prompt())?.[1] ?? '';
  for (const person of ['bob', 'carol']) {
    await enter(`reseal approve ${event} --as ${person}`);
    await answer(/^approve this as .*\[y\/N\]\n$/m, 'y');
    await prompt();
  }
  await enter(`reseal breakglass watch ${event}`);
  await pane.until(/ {2}active {2}until /);
  await pane.press('C-c');
  await prompt();
  await enter(`reseal dev advance ${event} 10m`);
  await prompt();
  await enter('reseal status --as alice');
  await prompt();
  await enter(`reseal breakglass close ${event} --as alice --wait ended`);
  await prompt();
}
