/** A value that is not what it was. */
export interface Difference {
  /** Path of keys: `stages[0].learningRate`. */
  readonly key: string;
  readonly before: string;
  readonly now: string;
}

/** Where two JSON values differ, leaf by leaf; keys that are undefined are as good as absent. */
export function differences(before: unknown, now: unknown, key = ""): Difference[] {
  if (Object.is(before, now)) return [];
  if (isContainer(before) && isContainer(now) && Array.isArray(before) === Array.isArray(now)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
    return [...keys].flatMap((name) => {
      const path = Array.isArray(before) ? `${key}[${name}]` : key === "" ? name : `${key}.${name}`;
      return differences(valueAt(before, name), valueAt(now, name), path);
    });
  }
  return [{ key, before: shown(before), now: shown(now) }];
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function valueAt(container: object, name: string): unknown {
  return (container as Record<string, unknown>)[name];
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}
