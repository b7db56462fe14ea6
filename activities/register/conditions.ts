/** The conditions of one statement with its parameters `$1`, `$2`, …: values never become part of its text. */
export class Conditions {
  readonly params: unknown[] = [];
  private readonly wanted: string[] = [];

  /** The placeholder of a value. */
  param(value: unknown): string {
    this.params.push(value);
    return `$${this.params.length}`;
  }

  /** A condition on a value; none where there is no value. */
  add(condition: (placeholder: string) => string, value: unknown): void {
    if (value !== undefined) this.wanted.push(condition(this.param(value)));
  }

  always(condition: string): void {
    this.wanted.push(condition);
  }

  /**
   * One `WHERE …` for each column that may hold an invoker's name, each with its own index: a person's id holds no @, and a
   * name without one may be either. A single one where nobody is named.
   */
  named(invoker: string | undefined): string[] {
    if (invoker === undefined) return [this.text()];
    const name = this.param(invoker.toLowerCase());
    const columns = invoker.includes('@') ? ['invoker_upn'] : ['invoker_person', 'invoker_upn'];
    return columns.map((column) => this.text(`${column} = ${name}`));
  }

  private text(also?: string): string {
    const all = also === undefined ? this.wanted : [...this.wanted, also];
    return all.length === 0 ? '' : `WHERE ${all.join(' AND ')}`;
  }
}
