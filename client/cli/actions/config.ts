import { EXIT } from '../../api/exit-status.js';
import { effectiveSettings } from '../../config/effective-settings.js';
import { oneLine } from '../printable.js';
import { columns, structured } from '../render.js';
import type { Session } from '../session.js';

/** `reseal config show`: every setting, what it comes to, and who said it. */
export async function showConfig(session: Session): Promise<number> {
  const settings = await session.settings();
  const all = await effectiveSettings(settings, session.io.env);
  const told = {
    file: settings.filePath,
    local_stack:
      settings.dev === undefined ? null : settings.local ? 'used' : 'not used: gateway or Temporal is elsewhere',
    settings: all,
    identities: settings.identities.map(({ upn, keyPath, from }) => ({ as: upn, key: keyPath, from })),
  };
  const text = await structured(session.output, told);
  if (text !== undefined) {
    session.data(text);
    return EXIT.done;
  }
  const rows = all.map(({ name, value, from, secret }) => {
    const shown = from === null ? '-' : secret ? '(set, not shown)' : oneLine(value ?? '');
    return [name, shown, oneLine(from ?? '')];
  });
  for (const { as, key, from } of told.identities)
    rows.push(['identity', `${oneLine(as)} ${oneLine(key)}`, oneLine(from)]);
  session.data(columns(['SETTING', 'VALUE', 'FROM'], rows, { widest: 100 }));
  if (told.local_stack !== null) session.say(`a local stack runs for this folder: ${told.local_stack}`);
  session.next('reseal doctor');
  return EXIT.done;
}
