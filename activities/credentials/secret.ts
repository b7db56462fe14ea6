import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';

const HIDDEN = '[a secret]';

/** A secret on its way to its sink. Whatever prints, logs or serialises it shows nothing of it: `reveal` is for sinks and for Graph. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}

/**
 * A new password: 192 random bits in base64url, and one character of each class that Entra's password policy counts
 * (upper, lower, digit, symbol), so that no draw is ever refused for its letters.
 */
export const newPassword = (): Secret => new Secret(`Rs-${randomBytes(24).toString('base64url')}-7`);
