import { printableLine } from "./printable.ts";

/** A column of {@link table}. */
export interface Column<Row> {
  readonly head: string;
  readonly value: (row: Row) => string | number;
  /** Numbers read better from the right; default left. */
  readonly align?: "left" | "right";
}

/** Rows under a line of heads, columns two spaces apart. Cells are data: control characters in them are dropped. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = [
    columns.map(({ head }) => head),
    ...rows.map((row) => columns.map(({ value }) => printableLine(String(value(row))))),
  ];
  const widths = columns.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  return cells
    .map((line) =>
      line
        .map((cell, column) =>
          columns[column]!.align === "right" ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** `name   value` lines with the values under each other; entries without a value are left out. Values are data, as cells are. */
export function keyValues(entries: readonly (readonly [name: string, value: string | number | undefined])[]): string {
  const present = entries.filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...present.map(([name]) => name.length));
  return present.map(([name, value]) => `${name.padEnd(width)}  ${printableLine(String(value))}`).join("\n");
}

const counts = ["", "K", "M", "B", "T"];
const units = ["B", "KiB", "MiB", "GiB", "TiB"];

/** A byte count for people, in powers of 1024: `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}

/** A count for people: `3.6 M`, `1.03 B`; below a thousand as it is. */
export function formatCount(count: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), counts.length - 1);
  if (power === 0) return String(count);
  const value = count / 1000 ** power;
  return `${value.toFixed(value < 10 ? 2 : 1)} ${counts[power]}`;
}

/** Milliseconds for people: `0.4 ms`, `85 ms`, `1.25 s`, `2:05 min`. */
export function formatMilliseconds(milliseconds: number): string {
  if (milliseconds < 9.95) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 999.5) return `${milliseconds.toFixed(0)} ms`;
  if (milliseconds < 59_995) return `${(milliseconds / 1000).toFixed(2)} s`;
  return `${formatDuration(milliseconds / 1000)} min`;
}

/** A time span for people: `0:48`, `1:02:03`. Takes seconds. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = String(whole % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}
