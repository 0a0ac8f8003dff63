import type { Interval } from "../services/wilson.ts";

/** A share in per cent: `63.4`. */
export function percent(share: number): string {
  return (100 * share).toFixed(1);
}

/** A difference of shares in points, with its sign: `+39.4`. */
export function points(difference: number): string {
  return `${difference > 0 ? "+" : ""}${percent(difference)}`;
}

/** An interval of shares, for a sentence: `61.0 to 65.7`. */
export function range([low, high]: Interval): string {
  return `${percent(low)} to ${percent(high)}`;
}
