/** The signal that a bare workflow waits for: in a file of its own, for the client and the workflow's sandbox alike. */
export const word = 'word';
