import type { Point } from "@fusion-vlm/plugin-kit";

/** Neighbouring points that have become one. */
interface Bucket {
  readonly index: number;
  from: number;
  to: number;
  /** Sums over all its points, and over those that are finite with their weights. */
  count: number;
  x: number;
  y: number;
  weight: number;
}

/**
 * A curve of bounded size, however many points are added: neighbours become one point, their average.
 *
 * A bucket holds the points of a stretch of x whose width is a power of two, and which doubles when there are too many buckets.
 * The same points give the same curve.
 */
export class ThinnedCurve {
  readonly #limit: number;
  #buckets: Bucket[] = [];
  #width = 1;

  /** @param limit - most points that are kept; half as many at least are, once there were more */
  constructor(limit = 600) {
    this.#limit = limit;
  }

  /** Length of the stretch of x that a point stands for. */
  get width(): number {
    return this.#width;
  }

  get size(): number {
    return this.#buckets.length;
  }

  /** In the order of x. The average over no finite number is NaN. */
  get points(): Point[] {
    return this.#buckets.map(({ x, y, count, weight }) => [x / count, weight > 0 ? y / weight : Number.NaN]);
  }

  /**
   * Adds a point; at an x that was there before, the curve goes on anew from there.
   *
   * @param x - a whole number
   * @param y - counts in no average when it is not finite
   */
  add(x: number, y: number, weight = 1): void {
    if (x <= (this.#buckets.at(-1)?.to ?? Number.NEGATIVE_INFINITY)) this.dropAfter(x - 1);
    const counts = Number.isFinite(y) && weight > 0;
    const part = { from: x, to: x, count: 1, x, y: counts ? y * weight : 0, weight: counts ? weight : 0 };
    this.#append({ index: Math.floor(x / this.#width), ...part });
    while (this.#buckets.length > this.#limit) this.#halve();
  }

  /** Takes back what lies behind x. A bucket around x goes as a whole. */
  dropAfter(x: number): void {
    while ((this.#buckets.at(-1)?.to ?? Number.NEGATIVE_INFINITY) > x) this.#buckets.pop();
  }

  #halve(): void {
    const before = this.#buckets;
    this.#buckets = [];
    this.#width *= 2;
    for (const bucket of before) this.#append({ ...bucket, index: Math.floor(bucket.index / 2) });
  }

  #append(part: Bucket): void {
    const last = this.#buckets.at(-1);
    if (last?.index !== part.index) {
      this.#buckets.push(part);
      return;
    }
    last.to = part.to;
    last.count += part.count;
    last.x += part.x;
    last.y += part.y;
    last.weight += part.weight;
  }
}
