import { type Dim, multiplyDims, type Value } from "../graph/index.ts";
import type { OpBuilder } from "../ops/index.ts";
import type { FusionConfig } from "./config.ts";
import { flattenRows } from "./decoder.ts";
import { interactionLayer } from "./interaction-layer.ts";
import { embedTokens } from "./text-guided-encoding.ts";

/**
 * Where each row of the sequence comes from and who interacts with whom, as index tensors (made by `layoutSequence`).
 *
 * Indices count rows through the whole batch, so that one Gather serves it.
 */
export interface SequenceInputs {
  /** Token ids, the text rows alone: int64 [B, T]. */
  readonly inputIds: Value;
  /** int64 [B, S]: row of the list token embeddings (B·T), image tokens (B·Pᵢ), latents (B·Q), one zero row. */
  readonly rowSource: Value;
  /** int64 [B, S] */
  readonly positions: Value;
}

export interface InteractionRows {
  /** int64 [B, R]: the row of each question's end, b·S + s. */
  readonly questionRows: Value;
  /** int64 [B, R, Q]: the rows of its latent tokens; −1 for a question that pads the batch. */
  readonly latentRows: Value;
  /** int64 [B, S]: for a latent row its index in [B, R, Q] counted through; −1 for every other row. Its sign is what counts. */
  readonly latentSource: Value;
}

/** Declares the inputs that describe a sequence. */
export function sequenceInputs(op: OpBuilder): SequenceInputs {
  return {
    inputIds: op.input("input_ids", "int64", ["B", "T"]),
    rowSource: op.input("row_source", "int64", ["B", "S"]),
    positions: op.input("position_ids", "int64", ["B", "S"]),
  };
}

/** Declares the inputs that describe interactions; Q may be a fixed number or a symbol. */
export function interactionRows(op: OpBuilder, latents: Dim): InteractionRows {
  return {
    questionRows: op.input("question_rows", "int64", ["B", "R"]),
    latentRows: op.input("latent_rows", "int64", ["B", "R", latents]),
    latentSource: op.input("latent_source", "int64", ["B", "S"]),
  };
}

/**
 * The embedded sequence: text, image and latent rows in their places, zeros where padding or a text-only latent stands.
 *
 * @param parts - what can stand beside text: image tokens [B, Pᵢ, D] and latents [B, Q, D], in this order
 * @returns [B, S, D]
 */
export function embedSequence(
  op: OpBuilder,
  config: FusionConfig,
  inputs: SequenceInputs,
  parts: readonly Value[],
): Value {
  const text = embedTokens(op, config, inputs.inputIds);
  return op.scope("sequence", () => {
    const zero = op.zeros("float32", [1, config.language.hiddenSize]);
    const rows = op.Concat([...[text, ...parts].map((part) => flattenRows(op, part)), zero], 0);
    return op.mark("llm.inputs_embeds", op.Gather(rows, inputs.rowSource));
  });
}

/** Which rows of the sequence are latent tokens. */
export interface LatentPlaces {
  /** [B, R·Q, S]: 1 where a latent token stands, else 0; all 0 for the latents of a question that pads the batch. */
  readonly selection: Value;
  /** bool [B, S, 1] */
  readonly isLatent: Value;
}

/**
 * The places of latent tokens, the same for every interaction layer.
 *
 * Rows are taken and put back by products with `selection`: their gradients are products too, where those of a Gather add
 * element by element (docs/performance.md).
 */
export function latentPlaces(op: OpBuilder, { latentRows, latentSource }: InteractionRows): LatentPlaces {
  return op.scope("latent_places", () => {
    const [batch, length] = latentSource.shape;
    const [, questions, latents] = latentRows.shape;
    const own = op.Reshape(latentRows, [batch!, multiplyDims(questions!, latents!), 1]);
    const all = op.Reshape(op.Range(multiplyDims(batch!, length!)), [batch!, 1, length!]);
    return {
      selection: op.Cast(op.Equal(own, all), "float32"),
      isLatent: op.Reshape(op.GreaterOrEqual(latentSource, 0), [batch!, length!, 1]),
    };
  });
}

/**
 * Overwrites the latent rows of the hidden state with what interaction layer `index` makes of them.
 *
 * @param hidden - [B, S, D] after decoder layer `layer`
 * @param windows - [B, Q, w², D]
 */
export function interact(
  op: OpBuilder,
  config: FusionConfig,
  { layer, index }: { layer: number; index: number },
  hidden: Value,
  { rows, places, windows }: { rows: InteractionRows; places: LatentPlaces; windows: Value },
): Value {
  const mark = `llm.layer${layer}`;
  const [batch, count, perQuestion] = rows.latentRows.shape;
  const width = config.language.hiddenSize;
  const { questions, latents } = op.scope(`interaction.${index}`, () => ({
    questions: op.Gather(flattenRows(op, hidden), rows.questionRows), // [B, R, D]
    latents: op.Reshape(op.MatMul(places.selection, hidden), [batch!, count!, perQuestion!, width]),
  }));
  op.mark(`${mark}.sampler.queries`, questions);
  op.mark(`${mark}.sampler.image_tokens`, latents);
  const updated = op.mark(`${mark}.sampler.out`, interactionLayer(op, config, index, { questions, latents, windows }));
  const merged = op.scope(`interaction.${index}`, () => {
    const flat = op.Reshape(updated, [batch!, multiplyDims(count!, perQuestion!), width]);
    const placed = op.MatMul(op.Transpose(places.selection, [0, 2, 1]), flat); // [B, S, D]
    return op.Where(places.isLatent, placed, hidden);
  });
  return op.mark(`${mark}.post`, merged);
}
