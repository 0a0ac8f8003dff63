/** Keeps items of a long sequence evenly: all of them up to a limit, then every second, every fourth … */
export class StepThinner<Item> {
  #kept: Item[] = [];
  #every = 1;
  #seen = 0;

  constructor(private readonly limit: number) {}

  /** One of how many is kept: 1, 2, 4 … */
  get every(): number {
    return this.#every;
  }

  /** Half the limit to the limit, in order, once there were more. */
  get kept(): readonly Item[] {
    return this.#kept;
  }

  add(item: Item): void {
    if (this.#seen++ % this.#every !== 0) return;
    this.#kept.push(item);
    if (this.#kept.length <= this.limit) return;
    this.#kept = this.#kept.filter((_, index) => index % 2 === 0);
    this.#every *= 2;
  }

  /** Takes back the last items, as long as they are of a kind. */
  dropLast(isOfKind: (item: Item) => boolean): void {
    while (this.#kept.length > 0 && isOfKind(this.#kept.at(-1)!)) this.#kept.pop();
  }
}
