/** The first so many characters of a text; none is cut in two. */
export const cutText = (text: string, most: number): string =>
  text.length <= most ? text : [...text].slice(0, most).join('');

const HALVES = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/**
 * At most so many UTF-16 units of a text, as schemas count them, without halves of characters: those have no RFC 8785 form, and
 * what is to be signed must have one whoever chose the text.
 */
export const cutUnits = (text: string, most: number): string => text.slice(0, most).replace(HALVES, '');
