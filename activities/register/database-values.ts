/** Reads one value from PostgreSQL's text form. */
export type ValueParser = (text: string) => unknown;

const SCALARS: Readonly<Record<number, ValueParser>> = {
  16: (text) => text === 't',
  17: (text) => Uint8Array.from(Buffer.from(text.slice(2), 'hex')),
  20: integer,
  21: Number,
  23: Number,
  114: (text) => JSON.parse(text) as unknown,
  700: Number,
  701: Number,
  1082: String,
  1114: String,
  1184: instant,
  1700: String,
  3802: (text) => JSON.parse(text) as unknown,
};

/** Array types with the type of their elements. */
const ARRAYS = { 1000: 16, 1005: 21, 1007: 23, 1009: 25, 1015: 1043, 1016: 20, 1185: 1184, 2951: 2950 } as const;

/** How each type is read, by its oid (pg_type.dat), the same over both kinds; every type left out stays text. */
export const VALUE_PARSERS: Readonly<Record<number, ValueParser>> = {
  ...SCALARS,
  ...Object.fromEntries(
    Object.entries(ARRAYS).map(([oid, element]) => [oid, (text: string) => array(text, SCALARS[element] ?? String)]),
  ),
};

/**
 * What a parameter travels as: a Date as RFC 3339, a bigint as digits, an object as JSON, an array as an SQL array of
 * its strings and numbers. A JSON array is therefore passed as text. Throws TypeError for anything else: `undefined`
 * is a mistake of the caller's, not NULL.
 */
export function sqlParams(params: readonly unknown[]): unknown[] {
  return params.map((param, index) => {
    if (param === null || ['string', 'number', 'boolean'].includes(typeof param)) return param;
    if (typeof param === 'bigint') return param.toString();
    if (param instanceof Date) return param.toISOString();
    if (param instanceof Uint8Array) return Buffer.from(param.buffer, param.byteOffset, param.byteLength);
    if (Array.isArray(param)) {
      if (param.every((item) => typeof item === 'string' || typeof item === 'number')) return param;
      throw new TypeError(`parameter $${index + 1} is an array of something else than strings and numbers`);
    }
    if (typeof param === 'object') return JSON.stringify(param);
    throw new TypeError(`parameter $${index + 1} is of type ${typeof param}`);
  });
}

function integer(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

/** `2026-11-21 10:00:00.123456+00` as `2026-11-21T10:00:00.123Z`; what is no instant (`infinity`) stays as it is. */
function instant(text: string): string {
  const zoned = text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00');
  const time = Date.parse(zoned);
  return Number.isNaN(time) ? text : new Date(time).toISOString();
}

/** One dimension of PostgreSQL's array text (manual, section 8.15.6): `{a,"b \"c\"",NULL}`. */
function array(text: string, element: ValueParser): unknown[] {
  const items: unknown[] = [];
  const pattern = /(?:"((?:[^"\\]|\\.)*)"|([^,{}"]+))(?=[,}])/gs;
  for (const [, quoted, bare] of text.matchAll(pattern)) {
    if (quoted !== undefined) items.push(element(quoted.replace(/\\(.)/gs, '$1')));
    else items.push(bare === 'NULL' ? null : element(bare ?? ''));
  }
  return items;
}
