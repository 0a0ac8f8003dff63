import type { ChatTemplate, FusionTokenizer, Segment } from "../text/index.ts";
import type { FusionEngine } from "./engine.ts";
import type { KeyValueCache } from "./kv-cache.ts";
import type { LookupGain } from "./lookup-decoder.ts";
import type { EncodedPicture, PreparedPicture, VisionMemory } from "./vision-memory.ts";

/** What every chat of a loaded model stands on. */
export interface ChatContext {
  readonly engine: FusionEngine;
  readonly vision: VisionMemory;
  readonly tokenizer: FusionTokenizer;
  readonly template: ChatTemplate;
  /** Q */
  readonly latents: number;
  /** Ids that end an answer. */
  readonly stopTokens: readonly number[];
  /** What trying out several tokens at once has been good for. */
  readonly lookupGain: LookupGain;
  /** Most rows a conversation may have. */
  readonly contextLength: number;
}

/** What is settled for a whole conversation. */
export interface ConversationSettings {
  readonly system?: string;
  readonly hasImage: boolean;
  /** The picture, decoded and resized once; undefined for a conversation without one. */
  readonly picture: () => Promise<PreparedPicture | undefined>;
  /**
   * Encode the image again with all questions so far at every turn and recompute everything, as the reference's chat
   * program does; without it a later turn is prefilled on top of the cache (paper C.2).
   */
  readonly reencode: boolean;
}

export interface FinishedTurn {
  readonly question: string;
  readonly answer: string;
}

/** A conversation after its last finished turn. */
export interface Conversation {
  readonly turns: readonly FinishedTurn[];
  /** What the rows of the cache are, in order. */
  readonly segments: readonly Segment[];
  /** Answer tokens that were chosen and have not been run. */
  readonly pending: readonly number[];
  /** What the vision tower made of the picture: guided by the first question, or by all of them with `reencode`. */
  readonly picture?: EncodedPicture;
  /** Absent before the first turn, and always with `reencode`. */
  readonly cache?: KeyValueCache;
}

/** Token ids that a sequence got from the model itself. */
export function answerSegment(ids: readonly number[]): Segment {
  return { kind: "text", ids: [...ids], supervised: false, endsQuestion: false };
}
