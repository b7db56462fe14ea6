import { tupleKey, type Tuple } from './model.js';
import { Versioned, type StoredVersions } from './versioned.js';

/** A record of a tuple, with the identity that it keeps after its removal. */
export interface StoredCell<T> {
  id: string;
  tuple: Tuple;
  cell: StoredVersions<T>;
}

interface Entry<T> {
  readonly id: string;
  readonly tuple: Tuple;
  readonly cell: Versioned<T>;
}

/** Versioned records by id, by tuple and by principal, in the order in which they were made. */
export class TupleIndex<T extends Tuple & { readonly id: string }> {
  private readonly byId = new Map<string, Entry<T>>();
  private readonly byTuple = new Map<string, Versioned<T>[]>();
  private readonly byPrincipal = new Map<string, Versioned<T>[]>();

  constructor(stored: readonly StoredCell<T>[] = []) {
    for (const { id, tuple, cell } of stored) this.add({ id, tuple, cell: Versioned.revive(cell) });
  }

  get(id: string): Versioned<T> | undefined {
    return this.byId.get(id)?.cell;
  }

  /** Writes a new version; one that was removed comes back under its id. */
  put(at: number, value: T): Versioned<T> {
    const known = this.byId.get(value.id);
    if (known !== undefined) {
      known.cell.put(at, value);
      return known.cell;
    }
    const { principalId, roleDefinitionId, directoryScopeId } = value;
    const cell = Versioned.of(at, value);
    this.add({ id: value.id, tuple: { principalId, roleDefinitionId, directoryScopeId }, cell });
    return cell;
  }

  ofTuple(tuple: Tuple): readonly Versioned<T>[] {
    return this.byTuple.get(tupleKey(tuple)) ?? [];
  }

  /** All records, or those of one principal. */
  *all(principalId: string | null): Generator<Versioned<T>> {
    if (principalId !== null) yield* this.byPrincipal.get(principalId) ?? [];
    else for (const entry of this.byId.values()) yield entry.cell;
  }

  toJSON(): StoredCell<T>[] {
    return [...this.byId.values()].map(({ id, tuple, cell }) => ({ id, tuple, cell: cell.toJSON() }));
  }

  private add(entry: Entry<T>): void {
    this.byId.set(entry.id, entry);
    append(this.byTuple, tupleKey(entry.tuple), entry.cell);
    append(this.byPrincipal, entry.tuple.principalId, entry.cell);
  }
}

function append<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
