/** [x, y] */
export type Point = readonly [x: number, y: number];

/** Places of a drawn curve: as many as a screen can tell apart, few enough to keep a page small. */
const columns = 500;

/**
 * The running median: at up to 500 places, the median of the `span` points around. Spikes do not move it, steps stay steps.
 *
 * Points that are no finite number do not count; where no other is in reach, the median is NaN.
 *
 * @param span - 1 gives the points themselves
 */
export function smoothed(points: readonly Point[], span: number): Point[] {
  const stride = Math.max(1, (points.length - 1) / columns);
  const count = Math.floor((points.length - 1) / stride + 1e-9) + 1;
  return Array.from({ length: count }, (_, place) => {
    const middle = Math.round(place * stride);
    const before = Math.min(Math.floor(span / 2), middle);
    // Where a curve begins it falls steeply: later points alone would pull the median down.
    const after = Math.min(before, points.length - 1 - middle);
    return [points[middle]![0], median(points.slice(middle - before, middle + after + 1))];
  });
}

function median(points: readonly Point[]): number {
  const values = points
    .map(([, value]) => value)
    .filter(Number.isFinite)
    .sort((one, other) => one - other);
  if (values.length === 0) return Number.NaN;
  const half = values.length >> 1;
  return values.length % 2 === 1 ? values[half]! : (values[half - 1]! + values[half]!) / 2;
}

/** The first, lowest, highest and last point of each of 500 equal stretches of x: what a screen can tell apart. */
export function thinned(points: readonly Point[]): Point[] {
  if (points.length <= 2 * columns) return [...points];
  const [first, last] = [points[0]![0], points.at(-1)![0]];
  const columnOf = ([x]: Point) => Math.min(columns - 1, Math.floor(((x - first) / (last - first || 1)) * columns));
  const result: Point[] = [];
  for (let start = 0; start < points.length; ) {
    const column = columnOf(points[start]!);
    let end = start + 1;
    while (end < points.length && columnOf(points[end]!) === column) end++;
    let [low, high] = [start, start];
    for (let index = start; index < end; index++) {
      if (points[index]![1] < points[low]![1]) low = index;
      if (points[index]![1] > points[high]![1]) high = index;
    }
    const kept = new Set([start, low, high, end - 1].sort((one, other) => one - other));
    for (const index of kept) result.push(points[index]!);
    start = end;
  }
  return result;
}
