import {
  chatTemplate,
  type FusionConfig,
  type FusionTokenizer,
  planConversation,
  type SequencePlan,
} from "@fusion-vlm/core";
import type { ConversationRecord } from "./conversation-record.ts";

/** How long a sample is, in the units that batches are padded in. */
export interface SampleLengths {
  /** Tokens of its text: T. */
  readonly tokens: number;
  /** Rows of its sequence that do not depend on Q: text and image tokens. */
  readonly rows: number;
  /** R: each adds Q rows. */
  readonly questions: number;
  /** I */
  readonly instruction: number;
  /** Tokens that count in the loss: its share of M. */
  readonly answers: number;
}

export interface PlannedSample extends Pick<SequencePlan, "segments" | "instruction" | "instructionTruncated"> {
  readonly lengths: SampleLengths;
}

/** Turns conversations into token ids for one model. */
export class SamplePlanner {
  /** Most rows a sample may have. */
  readonly contextLength: number;
  readonly #config: FusionConfig;
  readonly #tokenizer: FusionTokenizer;

  constructor(config: FusionConfig, tokenizer: FusionTokenizer) {
    this.#config = config;
    this.#tokenizer = tokenizer;
    this.contextLength = Math.min(config.maxLength, config.language.maxPositions);
  }

  /** Throws PROMPT_INVALID as `planConversation`. */
  plan({ turns, image }: ConversationRecord): PlannedSample {
    const { template, semantics, imageGrid } = this.#config;
    const plan = planConversation({
      tokenizer: this.#tokenizer,
      template: chatTemplate(template),
      turns,
      hasImage: image !== undefined,
      semantics,
    });
    const texts = plan.segments.filter((segment) => segment.kind === "text");
    const count = (segments: typeof texts) => segments.reduce((sum, { ids }) => sum + ids.length, 0);
    const tokens = count(texts);
    return {
      segments: plan.segments,
      instruction: plan.instruction,
      instructionTruncated: plan.instructionTruncated,
      lengths: {
        tokens,
        rows: tokens + (image === undefined ? 0 : imageGrid ** 2),
        questions: turns.length,
        instruction: plan.instruction.length,
        answers: count(texts.filter(({ supervised }) => supervised)),
      },
    };
  }

  /** Rows of a sample under the largest Q that may be drawn. */
  longest({ rows, questions }: SampleLengths): number {
    return rows + questions * Math.max(...this.#config.latentCounts);
  }
}
