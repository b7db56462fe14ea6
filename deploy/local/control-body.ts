import type { Context } from 'hono';
import type { z } from 'zod';

/** A call to a control API that says something else than it takes; `message` names the member. */
class ControlError extends Error {}

/** Bad input is 400 `{error: {code: 'invalid_control_input', message}}`. */
export function onControlError(error: Error, c: Context): Response {
  const known = error instanceof ControlError;
  const code = known ? 'invalid_control_input' : 'internal';
  return c.json({ error: { code, message: error.message } }, known ? 400 : 500);
}

/** The body of a call to a simulator's control API, by its schema. Throws `ControlError`, which names the member. */
export async function controlBody<T extends z.ZodType>(c: Context, schema: T): Promise<z.output<T>> {
  const text = await c.req.text();
  let value: unknown;
  try {
    value = text === '' ? {} : JSON.parse(text);
  } catch {
    throw new ControlError('body: is not JSON');
  }
  return readControl(schema, value);
}

/** The same of a value that is at hand. */
export function readControl<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ControlError(`${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'is not valid'}`);
}
