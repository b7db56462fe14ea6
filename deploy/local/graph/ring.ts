/** The last `capacity` items, oldest first when listed; adding is constant time. */
export class Ring<T> {
  private readonly items: T[] = [];
  private next = 0;

  constructor(
    private readonly capacity: number,
    initial: readonly T[] = [],
  ) {
    for (const item of initial) this.push(item);
  }

  push(item: T): void {
    if (this.items.length < this.capacity) this.items.push(item);
    else this.items[this.next] = item;
    this.next = (this.next + 1) % this.capacity;
  }

  list(): T[] {
    if (this.items.length < this.capacity) return [...this.items];
    return [...this.items.slice(this.next), ...this.items.slice(0, this.next)];
  }

  toJSON(): T[] {
    return this.list();
  }
}
