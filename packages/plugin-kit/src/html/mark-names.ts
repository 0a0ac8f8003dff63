import { type Markup, markup } from "./markup.ts";

/** A name at a place on the x axis. */
export interface NamedMark {
  readonly x: number;
  readonly label: string;
}

/** Width of the narrowest plot in average letters: a phone's. */
const plotLetters = 40;

/** Names above one another; further ones are left to the line that marks their place. */
const mostLanes = 4;

/** Letters of a name; the rest of longer ones is an ellipsis. */
const longestName = 24;

/**
 * Names above a plot, in as many lanes as they need to stand beside each other on a phone.
 *
 * @param marks - in the order of x, which is 0 at the left end of the axis and 1 at the right one
 */
export function markNames(marks: readonly NamedMark[]): { readonly lanes: number; readonly markup: Markup } {
  const ends: number[] = [];
  const names = marks.flatMap(({ x, label }) => {
    const text = label.length > longestName ? `${label.slice(0, longestName - 1)}…` : label;
    const width = (text.length + 2) / plotLetters;
    // A name that would leave the plot ends at its mark instead of beginning there.
    const [start, end, side] = x + width > 1 ? [x - width, x, "right"] : [x, x + width, "left"];
    const free = ends.findIndex((taken) => taken <= start);
    const lane = free === -1 ? ends.length : free;
    if (lane >= mostLanes) return [];
    ends[lane] = end;
    const place = side === "left" ? x : 1 - x;
    const height = lane === 0 ? "100%" : `calc(100% + ${Math.round(lane * 12) / 10}rem)`;
    const style = `${side}:${Math.round(place * 10_000) / 100}%;bottom:${height}`;
    return [markup`<span class="mark-name ${side}" style="${style}">${text}</span>`];
  });
  return { lanes: ends.length, markup: markup`${names}` };
}
