import type { Backend, Fetches } from "../backends/index.ts";
import { type FusionConfig, lossGraph, type SequenceLayout } from "../fusion/index.ts";
import { type Graph, withOutputs } from "../graph/index.ts";
import { compileGraph } from "../session/index.ts";
import { float32, int64, type Tensor } from "../tensor/index.ts";
import type { WeightStore } from "../weights/index.ts";
import type { Comparison } from "./compare.ts";
import { ForwardTable } from "./forward-table.ts";
import { imageFeeds, type RecordedImages } from "./recorded-images.ts";
import { requireKnownTensors } from "./recorded-tensors.ts";
import { type RecordedText, recordedLayout } from "./recorded-text.ts";
import { forwardFile, type ReferenceFolder, type ReferenceVariant } from "./reference-folder.ts";

/** What the comparisons of all variants share. */
export interface VerifyContext {
  readonly backend: Backend;
  readonly config: FusionConfig;
  readonly weights: WeightStore;
  readonly reference: ReferenceFolder;
  /** The recorded batch. */
  readonly text: RecordedText;
  readonly images: RecordedImages;
  readonly tolerance: number;
}

/** The variant's own configuration: its semantics and maximum length. */
export function variantConfig(config: FusionConfig, variant: ReferenceVariant): FusionConfig {
  return { ...config, semantics: variant.semantics, maxLength: variant.tokenizer_model_max_length };
}

/** A comparison whose recorded side has been read and checked, ready to be run. */
export type PreparedComparison = () => Promise<Comparison[]>;

/**
 * Reads what the variant recorded of the forward pass. Running it feeds the recorded batch to the loss graph and compares
 * every recorded tensor.
 *
 * @throws REFERENCE_INVALID for a tensor that this model does not have
 */
export async function prepareForward(
  context: VerifyContext,
  name: string,
  variant: ReferenceVariant,
): Promise<PreparedComparison> {
  const { text, tolerance, reference } = context;
  const config = variantConfig(context.config, variant);
  const layout = recordedLayout(text, config, variant.query_len);
  const graph = lossGraph(config, variant.query_len);
  const expected = await reference.read(forwardFile(name));
  requireKnownTensors(expected, graph.marks, config, name);
  return async () => {
    const actual = await runLossGraph(context, config, graph, layout);
    return new ForwardTable({ name, variant, config, tolerance, expected, text, layout, actual }).rows();
  };
}

async function runLossGraph(
  { backend, weights, images, text }: VerifyContext,
  config: FusionConfig,
  graph: Graph,
  layout: SequenceLayout,
): Promise<Fetches> {
  const everything = withOutputs(graph, [...graph.outputs.keys(), ...graph.marks.keys()]);
  const program = await compileGraph(backend, everything, weights);
  try {
    return await program.run({
      ...layout.feeds,
      ...imageFeeds(images, images.index, config),
      instruction_ids: text.instructions,
      instruction_mask: text.instructionMask,
      ...everyRowAsAnswer(layout),
    });
  } finally {
    await program.dispose();
  }
}

/** Logits of every row, since the reference records them; only answer tokens weigh in the loss. */
function everyRowAsAnswer({ samples, length, answers }: SequenceLayout): Record<string, Tensor> {
  const count = samples.length * length;
  const ids = new Array<number>(count).fill(0);
  const weights = new Float32Array(count);
  answers.rows.forEach((row, i) => {
    ids[row] = answers.ids[i]!;
    weights[row] = 1;
  });
  const rows = Array.from({ length: count }, (_, row) => row);
  return {
    answer_rows: int64([count], rows),
    answer_ids: int64([count], ids),
    answer_weights: float32([count], weights),
  };
}
