import type { Segment } from "../autodiff/index.ts";
import type { FusionConfig } from "../fusion/index.ts";
import type { Value } from "../graph/index.ts";

/**
 * The layers that gradient checkpointing computes again: each of the tower, for the whole image and for its parts, and each
 * decoder layer together with its interaction layer.
 *
 * @param marks - of the forward pass
 * @param gradients - d loss / d value; layers whose output has none are left as they are
 */
export function layerSegments(
  { vision, language }: FusionConfig,
  marks: ReadonlyMap<string, Value>,
  gradients: ReadonlyMap<Value, Value>,
): Segment[] {
  const tower = (pass: string) => Array.from({ length: vision.layers + 1 }, (_, i) => marks.get(`${pass}.h${i}`)!);
  const decoder = Array.from(
    { length: language.layers },
    (_, i) => marks.get(`llm.layer${i}.post`) ?? marks.get(`llm.layer${i}.pre`)!,
  );
  const chains = [tower("vision.text"), tower("vision.global"), [marks.get("llm.inputs_embeds")!, ...decoder]];
  return chains.flatMap((states) =>
    states.slice(1).flatMap((output, layer) => {
      const gradient = gradients.get(output);
      return gradient ? [{ input: states[layer]!, output, gradient }] : [];
    }),
  );
}
