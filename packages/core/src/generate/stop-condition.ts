import { FusionError, shownValue } from "../errors/index.ts";

/** When a generation ends. Made by {@link maxNewTokens}, {@link onToken} and {@link onText}; several may be combined. */
export type StopCondition =
  | { readonly type: "length"; readonly tokens: number }
  | { readonly type: "token"; readonly ids: readonly number[] }
  | { readonly type: "text"; readonly texts: readonly string[] };

/** Ends after `count` new tokens; of several limits the lowest counts. Throws OPTION_INVALID unless it is 1 or more. */
export function maxNewTokens(count: number): StopCondition {
  if (!(Number.isSafeInteger(count) && count >= 1))
    throw stopError("maxNewTokens", "a whole number of 1 or more", shownValue(count));
  return { type: "length", tokens: count };
}

/** Ends with any of these tokens, whose text is not emitted. Throws OPTION_INVALID for what is no token id. */
export function onToken(...ids: number[]): StopCondition {
  const bad = ids.find((id) => !(Number.isSafeInteger(id) && id >= 0));
  if (bad !== undefined) throw stopError("onToken", "token ids, whole numbers of 0 or more", shownValue(bad));
  return { type: "token", ids };
}

/** Ends where any of these strings appears in the text; neither it nor what follows is emitted. Throws OPTION_INVALID for an empty one. */
export function onText(...texts: string[]): StopCondition {
  if (texts.some((text) => text === "")) throw stopError("onText", "strings of one character or more", '""');
  return { type: "text", texts };
}

/** All conditions of a generation in one. */
export interface StopRules {
  readonly maxTokens: number;
  readonly tokens: ReadonlySet<number>;
  readonly texts: readonly string[];
}

export function stopRules(conditions: readonly StopCondition[]): StopRules {
  let maxTokens = Number.POSITIVE_INFINITY;
  const tokens = new Set<number>();
  const texts: string[] = [];
  for (const condition of conditions) {
    if (condition.type === "length") maxTokens = Math.min(maxTokens, condition.tokens);
    else if (condition.type === "token") for (const id of condition.ids) tokens.add(id);
    else texts.push(...condition.texts);
  }
  return { maxTokens, tokens, texts };
}

function stopError(at: string, expected: string, actual: string): FusionError {
  return new FusionError({
    code: "OPTION_INVALID",
    at,
    expected,
    actual,
    hint: "Correct the stop condition, or leave it out.",
  });
}
