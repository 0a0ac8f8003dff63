export type AxisScale = "linear" | "log";

export interface Tick {
  /** 0 at the low end of the axis, 1 at the high end. */
  readonly position: number;
  readonly label: string;
}

/** Where numbers stand on one side of a chart. */
export interface Axis {
  /** 0 at the low end, 1 at the high end; beyond for numbers out of range. NaN for 0 and less on a logarithmic axis. */
  position(value: number): number;
  readonly ticks: readonly Tick[];
}

/** About as many ticks as fit beside each other on a phone. */
const wantedTicks = 5;

/**
 * An axis that holds all values, with round numbers as ticks. A logarithmic one holds the positive values.
 *
 * @param whole - whether the ticks of a linear axis are whole numbers
 */
export function axisFor(values: Iterable<number>, scale: AxisScale, { whole = false } = {}): Axis {
  const usable = scale === "log" ? (value: number) => value > 0 : () => true;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (!Number.isFinite(value) || !usable(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) [low, high] = scale === "log" ? [1, 10] : [0, 1];
  return scale === "log" ? logAxis(low, high) : linearAxis(low, high, whole ? 1 : 0);
}

function linearAxis(low: number, high: number, leastStep = 0): Axis {
  if (low === high) [low, high] = [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  const step = Math.max(leastStep, roundStep((high - low) / wantedTicks));
  const position = (value: number) => (value - low) / (high - low);
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  const ticks = Array.from({ length: count }, (_, index) => (first + index) * step);
  return { position, ticks: ticks.map((value) => ({ position: position(value), label: tickLabel(value) })) };
}

function logAxis(low: number, high: number): Axis {
  // A little room, so that a flat curve does not lie on the frame.
  const [from, to] = low === high ? [low / 2, high * 2] : [low, high];
  const [start, end] = [Math.log10(from), Math.log10(to)];
  const position = (value: number) => (value > 0 ? (Math.log10(value) - start) / (end - start) : Number.NaN);
  // Within a few decades the powers of ten alone say too little.
  const mantissas = end - start < 2 ? [1, 2, 5] : end - start < 3 ? [1, 3] : [1];
  const every = Math.max(1, Math.round((end - start) / wantedTicks));
  const ticks: number[] = [];
  for (let power = Math.floor(start); power <= Math.ceil(end); power++) {
    if (power % every === 0) ticks.push(...mantissas.map((mantissa) => mantissa * 10 ** power));
  }
  const inside = ticks.filter((value) => value >= from * (1 - 1e-9) && value <= to * (1 + 1e-9));
  // A range such as 0.83 … 0.97 holds none of them.
  if (inside.length < 2) {
    const { ticks: linear } = linearAxis(from, to);
    inside.splice(0, inside.length, ...linear.map(({ position }) => from + position * (to - from)));
  }
  return { position, ticks: inside.map((value) => ({ position: position(value), label: tickLabel(value) })) };
}

/** 1, 2 or 5 times a power of ten, at least as large as the step. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  return ([1, 2, 5].find((mantissa) => mantissa * power >= step * (1 - 1e-9)) ?? 10) * power;
}

/** A number in at most six characters or so: `0.05`, `1.5k`, `2M`, `1e-7`. */
export function tickLabel(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e9))
    return Number(value.toPrecision(4)).toExponential().replace("e+", "e");
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(4))}M`;
  if (size >= 1e3) return `${Number((value / 1e3).toPrecision(4))}k`;
  return String(Number(value.toPrecision(4)));
}
