import { type FusionConfig, fusionParameters } from "../fusion/index.ts";
import { createNormal, float32, sizeOf, type Tensor } from "../tensor/index.ts";

/**
 * Random values for every parameter, the same for the same seed, in which each one matters.
 *
 * Unlike the initial values of training, biases are not 0 and norms are not 1, so that a test notices a forgotten one;
 * matrices have a deviation of 1/√inputs, which keeps activations near 1.
 */
export function randomParameters(config: FusionConfig, seed = 0): Map<string, Tensor> {
  const shapes = [...fusionParameters(config)];
  return new Map(shapes.map(([name, shape]) => [name, randomParameter(name, shape, seed)]));
}

function randomParameter(name: string, shape: readonly number[], seed: number): Tensor {
  const next = createNormal(seed, name);
  const isNorm = shape.length === 1 && name.endsWith(".weight");
  const deviation = shape.length === 1 ? 0.2 : 1 / Math.sqrt(sizeOf(shape.slice(1)));
  return float32(
    shape,
    Array.from({ length: sizeOf(shape) }, () => (isNorm ? 1 : 0) + deviation * next()),
  );
}
