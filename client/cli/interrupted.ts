/** 128 + SIGINT, as shells report it. */
export const INTERRUPTED = 130;

/** Thrown when Ctrl-C ends a question or a wait; the message says what goes on without the person. Exit status 130. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';

  constructor(
    message: string,
    /** What to run next. */
    readonly next?: string,
  ) {
    super(message);
  }
}
