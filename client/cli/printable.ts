// eslint-disable-next-line no-control-regex -- control characters are exactly what is taken out
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Text as a terminal may show it: escape sequences and bidirectional overrides of somebody else's become `?`. Tabs and
 * line breaks stay.
 */
export const printable = (text: string): string => text.replace(UNPRINTABLE, '?');

/** The same on one line: for a value between others, which must not start a line of its own. */
export const oneLine = (text: string): string => printable(text).replace(/[\t\n]+/g, ' ');
