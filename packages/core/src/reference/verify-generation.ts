import type { Tensor } from "../tensor/index.ts";
import type { Comparison } from "./compare.ts";
import { GenerationPrograms } from "./generation-programs.ts";
import { referenceError } from "./reference-error.ts";
import { generateFile, type ReferenceVariant, type Tensors } from "./reference-folder.ts";
import { Replay } from "./replay.ts";
import { type PreparedComparison, type VerifyContext, variantConfig } from "./verify-forward.ts";

/**
 * Reads the variant's recorded greedy decodings. Running it replays them through the image, context, prefill and decode graphs.
 *
 * @throws REFERENCE_INVALID for missing or unknown tensors, samples or tokens that do not exist
 */
export async function prepareGeneration(
  context: VerifyContext,
  name: string,
  variant: ReferenceVariant,
): Promise<PreparedComparison> {
  if (!variant.generate) return async () => [];
  const file = generateFile(name);
  const latents = variant.query_len;
  const config = variantConfig(context.config, variant);
  const cases = splitCases(await context.reference.read(file), Object.keys(variant.generate), file);
  const replays = Object.entries(variant.generate).map(
    ([key, decoding]) =>
      new Replay({ context, config, latents, decoding, name: `${name}_generate/${key}`, recorded: cases.get(key)! }),
  );
  return async () => {
    const programs = await GenerationPrograms.compile(context, config, latents);
    try {
      const rows: Comparison[] = [];
      for (const replay of replays) rows.push(...(await replay.run(programs)));
      return rows;
    } finally {
      await programs.dispose();
    }
  };
}

/** `single.step_logits` → case `single`, tensor `step_logits`. */
function splitCases(tensors: Tensors, keys: readonly string[], file: string): ReadonlyMap<string, Tensors> {
  const cases = new Map(keys.map((key) => [key, new Map<string, Tensor>()]));
  for (const [name, tensor] of tensors) {
    const dot = name.indexOf(".");
    const found = cases.get(name.slice(0, dot));
    if (!found) throw referenceError(`${file}: ${name}`, `one of the cases ${keys.join(", ")}`, "another one");
    found.set(name.slice(dot + 1), tensor);
  }
  return cases;
}
