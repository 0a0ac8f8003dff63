import { FusionError } from "../errors/index.ts";
import { type LayoutOptions, layoutSequence, type SequenceLayout } from "../fusion/index.ts";
import { planConversation, planTurn, type Segment } from "../text/index.ts";
import { answerSegment, type ChatContext, type Conversation, type ConversationSettings } from "./chat-context.ts";

/** What has to be run for one question. */
export interface Prompt {
  /** All segments of the sequence when `onCache` is false, else those behind the cached ones. */
  readonly segments: readonly Segment[];
  readonly layout: SequenceLayout;
  readonly onCache: boolean;
  /** Present where the image is to be encoded, guided by these ids; absent where earlier image tokens stay. */
  readonly instruction?: readonly number[];
  readonly instructionTruncated: boolean;
}

/**
 * Plans a question: everything for a first turn, and under `reencode`; else what stands behind the cache.
 *
 * @throws PROMPT_INVALID for a blank question, CONTEXT_EXCEEDED when the conversation gets too long
 */
export function planPrompt(
  context: ChatContext,
  settings: ConversationSettings,
  conversation: Conversation,
  question: string,
): Prompt {
  const { turns, cache } = conversation;
  if (!cache || settings.reencode) return planWhole(context, settings, [...turns, { question }]);
  const { tokenizer, template } = context;
  const added = [
    ...(conversation.pending.length > 0 ? [answerSegment(conversation.pending)] : []),
    ...planTurn({ tokenizer, template, question, answerClosed: false }),
  ];
  const crosses = crossesRopeSwitch(context, cache.length, countRows(context, added));
  const segments = crosses ? [...conversation.segments, ...added] : added;
  const layout = layoutPrompt(context, settings, segments, crosses ? undefined : cache.length);
  requireRoom(context, crosses ? 0 : cache.length, layout.length);
  return { segments, layout, onCache: !crosses, instructionTruncated: false };
}

function planWhole(
  context: ChatContext,
  { hasImage, system, ...settings }: ConversationSettings,
  turns: readonly { question: string; answer?: string }[],
): Prompt {
  const { tokenizer, template, engine } = context;
  const { semantics } = engine.config;
  // An answer of vicuna_v1 begins with the space that its template writes too.
  const trimmed = turns.map((turn) => ({ ...turn, ...(turn.answer !== undefined && { answer: turn.answer.trim() }) }));
  const plan = planConversation({ tokenizer, template, turns: trimmed, hasImage, system, semantics });
  const { segments, instruction, instructionTruncated } = plan;
  const layout = layoutPrompt(context, { hasImage, ...settings }, segments);
  requireRoom(context, 0, layout.length);
  return { segments, layout, onCache: false, instruction, instructionTruncated };
}

/** Rows of segments; behind a cache of `cachedRows` where there is one, from position 0 otherwise. */
export function layoutPrompt(
  { engine, latents }: ChatContext,
  { hasImage }: Pick<ConversationSettings, "hasImage">,
  segments: readonly Segment[],
  cachedRows?: number,
): SequenceLayout {
  const imageRows = cachedRows === undefined ? engine.config.imageGrid ** 2 : 0;
  const options: LayoutOptions = { imageRows, latents, firstPosition: cachedRows ?? 0 };
  return layoutSequence([{ segments, zeroLatents: !hasImage }], options);
}

/** Rows that segments take. */
export function countRows(
  { engine, latents }: ChatContext,
  segments: readonly Segment[],
  kind?: Segment["kind"],
): number {
  const rows = (segment: Segment) => {
    if (segment.kind === "text") return segment.ids.length;
    return segment.kind === "image" ? engine.config.imageGrid ** 2 : latents;
  };
  return segments.filter((segment) => !kind || segment.kind === kind).reduce((sum, segment) => sum + rows(segment), 0);
}

/** The length from which longrope's long frequencies hold for every row; undefined for other ropes. */
export function ropeSwitch({ engine }: ChatContext): number | undefined {
  const { ropeScaling } = engine.config.language;
  return ropeScaling.type === "longrope" ? ropeScaling.originalMaxPositionEmbeddings : undefined;
}

/** True when rows cached with short frequencies would meet rows that need long ones. */
export function crossesRopeSwitch(context: ChatContext, cachedRows: number, newRows: number): boolean {
  const limit = ropeSwitch(context);
  return limit !== undefined && cachedRows > 0 && cachedRows <= limit && cachedRows + newRows > limit;
}

function requireRoom({ contextLength }: ChatContext, cached: number, added: number): void {
  if (cached + added <= contextLength) return;
  throw new FusionError({
    code: "CONTEXT_EXCEEDED",
    at: "question",
    expected: `a conversation of at most ${contextLength} tokens`,
    actual: cached > 0 ? `${cached + added}, of which ${added} are new` : `${added}`,
    hint: "Shorten the question, use fewer image tokens or latents, or start a new chat.",
  });
}
