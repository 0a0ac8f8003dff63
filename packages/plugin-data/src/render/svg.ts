/** Pictures are composed on a square of this side and scaled by the renderer. */
export const canvas = 100;

/** A number of an SVG attribute: two decimals, the same text on every machine. */
export function decimal(value: number): string {
  return String(Math.round(value * 100) / 100);
}
