import { describeValue, invalidWeights } from "./weights-error.ts";

/** Headers and indices need three levels; more would only serve to exhaust the memory of the parser. */
const deepest = 8;

const code = { quote: 34, comma: 44, openList: 91, backslash: 92, closeList: 93, openObject: 123, closeObject: 125 };

/** Calls `visit` for each bracket, comma and string of `text`, with the depth they lie at; stops at a string without end. */
function visitTokens(text: string, visit: (kind: number, depth: number, start: number, end: number) => boolean): void {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const kind = text.charCodeAt(i);
    let end = i + 1;
    if (kind === code.quote) {
      while (end < text.length && text.charCodeAt(end) !== code.quote) {
        end += text.charCodeAt(end) === code.backslash ? 2 : 1;
      }
      end++;
    } else if (kind === code.openObject || kind === code.openList) depth++;
    else if (kind === code.closeObject || kind === code.closeList) depth--;
    else if (kind !== code.comma) continue;
    if (!visit(kind, depth, i, end)) return;
    i = end - 1;
  }
}

function isTooDeep(text: string): boolean {
  let tooDeep = false;
  visitTokens(text, (_kind, depth) => {
    tooDeep = depth > deepest;
    return !tooDeep;
  });
  return tooDeep;
}

/** The first key that stands twice in one object; `text` is valid JSON. */
function findDuplicateKey(text: string): string | undefined {
  const scopes: (Set<string> | undefined)[] = [];
  let isKeyNext = false;
  let duplicate: string | undefined;
  visitTokens(text, (kind, depth, start, end) => {
    if (kind === code.openObject || kind === code.openList) {
      scopes[depth] = kind === code.openObject ? new Set() : undefined;
      isKeyNext = kind === code.openObject;
    } else if (kind === code.comma) {
      isKeyNext = scopes[depth] !== undefined;
    } else if (kind === code.quote && isKeyNext) {
      const key = JSON.parse(text.slice(start, end)) as string;
      if (scopes[depth]!.has(key)) duplicate = key;
      scopes[depth]!.add(key);
      isKeyNext = false;
    }
    return duplicate === undefined;
  });
  return duplicate;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The JSON object that untrusted bytes spell, more strictly than `JSON.parse`.
 *
 * Throws WEIGHTS_INVALID for bytes that are not UTF-8, not JSON, not an object, nested deeper than eight levels, or that
 * name a key twice (of which `JSON.parse` would silently keep the last, and another reader perhaps the first).
 */
export function parseStrictJson(bytes: Uint8Array, file: string, what: string): Record<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalidWeights(file, { expected: `${what} in UTF-8`, actual: "bytes that are not UTF-8", cause });
  }
  // Before JSON.parse: 50 MB of "[" would need gigabytes there.
  if (isTooDeep(text)) {
    throw invalidWeights(file, { expected: `${what} of at most ${deepest} nested levels`, actual: "more" });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalidWeights(file, { expected: `${what} in JSON`, actual: "text that is not JSON", cause });
  }
  if (!isRecord(value)) throw invalidWeights(file, { expected: `a JSON object as ${what}`, actual: typeof value });
  const duplicate = findDuplicateKey(text);
  if (duplicate !== undefined) {
    throw invalidWeights(file, {
      expected: `${what} that names each key once`,
      actual: `${describeValue(duplicate)} twice`,
      details: { duplicate },
    });
  }
  return value;
}
