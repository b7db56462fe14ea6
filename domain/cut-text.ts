/** The first so many characters of a text; none is cut in two. */
export const cutText = (text: string, most: number): string =>
  text.length <= most ? text : [...text].slice(0, most).join('');
