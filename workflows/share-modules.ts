/**
 * Runs inside the workflow bundle, last of what is loaded before any workflow. The SDK freezes all that is shared, deeply,
 * and zod's schemas work only unfrozen: they keep on themselves what they find out at first use. A module whose exports are
 * frozen already is passed over, so `domain/` and zod are, and no deeper: nothing in either is a workflow's own.
 */
declare const __webpack_modules__: Readonly<Record<string, unknown>>;

const cache = Reflect.get(globalThis, '__webpack_module_cache__') as Readonly<
  Record<string, { exports: object } | undefined>
>;
for (const id of Object.keys(__webpack_modules__)) {
  const loaded = /[\\/](domain|zod)[\\/]/.test(id) ? cache[id] : undefined;
  if (loaded !== undefined) Object.freeze(loaded.exports);
}
export {};
