import type { Connection } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { TemporalError } from './temporal-error.js';

/** The types that `--search-attribute` accepts, with their numbers in `temporal.api.enums.v1.IndexedValueType`. */
const TYPE_NUMBERS = { Text: 1, Keyword: 2, Int: 3, Bool: 5, Datetime: 6, KeywordList: 7 } as const;

/** The type of a search attribute. */
export type SearchAttributeType = keyof typeof TYPE_NUMBERS;

/** Search attributes by name. */
export type SearchAttributes = Readonly<Record<string, SearchAttributeType>>;

/**
 * Registers what is missing and waits until the namespace lists it. The server's own flag registers only in a namespace
 * that it creates (measured on server 1.32.0), so a database file from an older version would lack the newer ones.
 * Throws `temporal_search_attribute_conflict` when one exists with another type.
 */
export async function ensureSearchAttributes(
  connection: Connection,
  namespace: string,
  wanted: SearchAttributes,
): Promise<void> {
  const list = async (): Promise<Record<string, number>> =>
    (await connection.operatorService.listSearchAttributes({ namespace })).customAttributes ?? {};
  const existing = await list();
  for (const [name, type] of Object.entries(wanted)) {
    const found = existing[name];
    if (found !== undefined && found !== TYPE_NUMBERS[type]) {
      throw new TemporalError(
        'temporal_search_attribute_conflict',
        `the search attribute ${name} exists with another type than ${type}: use another namespace or database file`,
      );
    }
  }
  const missing = Object.entries(wanted).filter(([name]) => existing[name] === undefined);
  if (missing.length === 0) return;
  const searchAttributes = Object.fromEntries(missing.map(([name, type]) => [name, TYPE_NUMBERS[type]]));
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  for (let listed = await list(); missing.some(([name]) => listed[name] === undefined); listed = await list()) {
    await sleep(50);
  }
}
