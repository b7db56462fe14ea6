import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { SettingsError } from './settings-error.js';

/** Which code says that a file is not what it should be: settings have one of their own. */
type FileCode = 'file_invalid' | 'settings_invalid';

/**
 * Reads a JSON file as `schema` has it. Throws SettingsError `file_missing`, or `code` naming the file, the member and what was
 * expected.
 */
export async function readJsonFile<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
  code: FileCode,
): Promise<z.output<Schema>> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new SettingsError('file_missing', `${file} cannot be read`);
  });
  const parsed = schema.safeParse(parseJson(text, file, code));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new SettingsError(code, `${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`);
}

/** What a file's text says. Throws SettingsError `code` naming the file where it is not JSON. */
export function parseJson(text: string, file: string, code: FileCode): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SettingsError(code, `${file} is not JSON`);
  }
}
