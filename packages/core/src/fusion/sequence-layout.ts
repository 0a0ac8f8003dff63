import { FusionError } from "../errors/index.ts";
import { int64, type Tensor } from "../tensor/index.ts";
import type { Segment } from "../text/index.ts";

/** One sample of a batch: its segments, and whether its latent rows start as zeros (a text-only sample). */
export interface LayoutSample {
  readonly segments: readonly Segment[];
  readonly zeroLatents: boolean;
}

export interface LayoutOptions {
  /** Pᵢ: rows that an image segment takes; 0 where the call has no image input (a later turn). */
  readonly imageRows: number;
  /** Q: rows that a latent segment takes. */
  readonly latents: number;
  /** Rows past this are cut off, together with the questions that end there. */
  readonly maxLength?: number;
  /** S and T are rounded up to multiples of this; 1 when absent. */
  readonly bucket?: number;
  /** Least S, T and R, so that batches of different samples share their shapes. */
  readonly atLeast?: { readonly S?: number; readonly T?: number; readonly R?: number };
  /** Position of the first row: the length of the cache in a later turn. */
  readonly firstPosition?: number;
}

/** Where the parts of one sample lie in its sequence. */
export interface SampleLayout {
  readonly length: number;
  /** Row of each question's end. */
  readonly questionEnds: readonly number[];
  /** First row of the latent grid of each question; as many as `questionEnds`. */
  readonly latentStarts: readonly number[];
}

/** A batch of sequences as the index tensors that the decoder graphs take, and what was laid out. */
export interface SequenceLayout {
  /** S, the longest sample; shorter ones are padded with zero rows on the right. */
  readonly length: number;
  readonly samples: readonly SampleLayout[];
  /** input_ids [B, T], row_source and position_ids [B, S], question_rows [B, R], latent_rows [B, R, Q], latent_source [B, S]. */
  readonly feeds: Readonly<Record<string, Tensor<"int64">>>;
  /** Rows that predict an answer token (b·S + s − 1) and the token. */
  readonly answers: { readonly rows: readonly number[]; readonly ids: readonly number[] };
}

interface Row {
  readonly from: "text" | "image" | "latent" | "zero";
  readonly index: number;
  readonly label?: number;
}

interface Laid extends SampleLayout {
  readonly rows: readonly Row[];
  readonly ids: readonly number[];
}

/**
 * Turns segments into rows: text, Pᵢ image rows, Q latent rows each; the k-th latent grid belongs to the k-th question.
 *
 * @throws PROMPT_INVALID when an image segment occurs without image rows
 */
export function layoutSequence(samples: readonly LayoutSample[], options: LayoutOptions): SequenceLayout {
  const laid = samples.map((sample) => layoutSample(sample, options));
  const batch = samples.length;
  const { imageRows, latents, firstPosition = 0, bucket = 1, atLeast = {} } = options;
  const round = (count: number) => Math.ceil(count / bucket) * bucket;
  const length = round(Math.max(atLeast.S ?? 0, ...laid.map((sample) => sample.length)));
  const tokens = round(Math.max(1, atLeast.T ?? 0, ...laid.map((sample) => sample.ids.length)));
  const questions = Math.max(1, atLeast.R ?? 0, ...laid.map((sample) => sample.questionEnds.length));

  const starts = { text: 0, image: batch * tokens, latent: batch * (tokens + imageRows) };
  const strides = { text: tokens, image: imageRows, latent: latents };
  const zeroRow = batch * (tokens + imageRows + latents);
  const inputIds = new Array<number>(batch * tokens).fill(0);
  const rowSource = new Array<number>(batch * length).fill(zeroRow);
  const latentSource = new Array<number>(batch * length).fill(-1);
  const questionRows = new Array<number>(batch * questions).fill(0);
  const latentRows = new Array<number>(batch * questions * latents).fill(-1);
  const answers = { rows: [] as number[], ids: [] as number[] };

  laid.forEach((sample, b) => {
    sample.ids.forEach((id, t) => {
      inputIds[b * tokens + t] = id;
    });
    sample.rows.forEach(({ from, index, label }, s) => {
      if (from !== "zero") rowSource[b * length + s] = starts[from] + b * strides[from] + index;
      if (label === undefined || s === 0) return;
      answers.rows.push(b * length + s - 1);
      answers.ids.push(label);
    });
    sample.questionEnds.forEach((end, r) => {
      questionRows[b * questions + r] = b * length + end;
      for (let q = 0; q < latents; q++) {
        const row = sample.latentStarts[r]! + q;
        latentRows[(b * questions + r) * latents + q] = b * length + row;
        latentSource[b * length + row] = (b * questions + r) * latents + q;
      }
    });
  });

  // Padding stays at its sample's last position, or it would push a short sample past longrope's original length.
  const positions = laid.flatMap((sample) =>
    Array.from({ length }, (_, s) => firstPosition + Math.min(s, Math.max(0, sample.length - 1))),
  );
  return {
    length,
    samples: laid.map(({ length, questionEnds, latentStarts }) => ({ length, questionEnds, latentStarts })),
    feeds: {
      input_ids: int64([batch, tokens], inputIds),
      row_source: int64([batch, length], rowSource),
      position_ids: int64([batch, length], positions),
      question_rows: int64([batch, questions], questionRows),
      latent_rows: int64([batch, questions, latents], latentRows),
      latent_source: int64([batch, length], latentSource),
    },
    answers,
  };
}

function layoutSample({ segments, zeroLatents }: LayoutSample, options: LayoutOptions): Laid {
  const { imageRows, latents, maxLength = Number.POSITIVE_INFINITY } = options;
  const rows: Row[] = [];
  const ids: number[] = [];
  const ends: number[] = [];
  const grids: number[] = [];
  const block = (from: Row["from"], count: number) => {
    for (let index = 0; index < count; index++) rows.push({ from, index });
  };
  for (const segment of segments) {
    if (segment.kind === "text") {
      for (const id of segment.ids) {
        rows.push({ from: "text", index: ids.length, label: segment.supervised ? id : undefined });
        ids.push(id);
      }
      if (segment.endsQuestion) ends.push(rows.length - 1);
    } else if (segment.kind === "latent") {
      grids.push(rows.length);
      block(zeroLatents ? "zero" : "latent", latents);
    } else {
      if (imageRows === 0) throw imageInLaterTurn();
      block("image", imageRows);
    }
  }
  const kept = rows.slice(0, maxLength);
  const questionEnds = ends.filter((end) => end < kept.length).slice(0, grids.length);
  return { rows: kept, ids, length: kept.length, questionEnds, latentStarts: grids.slice(0, questionEnds.length) };
}

function imageInLaterTurn(): FusionError {
  return new FusionError({
    code: "PROMPT_INVALID",
    at: "sequence",
    expected: "the image in the first turn of a conversation",
    actual: "an image segment in a later one",
    hint: "Start a new chat for a new image.",
  });
}
