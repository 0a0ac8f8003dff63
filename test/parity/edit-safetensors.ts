import type { Tensor } from "../../packages/core/src/tensor/index.ts";
import { openSafetensors, sourceOf, writeSafetensors } from "../../packages/core/src/weights/index-node.ts";

/** Rewrites a safetensors file with what `edit` leaves in the map. */
export async function editSafetensors(path: string, edit: (tensors: Map<string, Tensor>) => void): Promise<void> {
  const file = await openSafetensors(path);
  const tensors = new Map<string, Tensor>();
  for (const name of file.tensors.keys()) tensors.set(name, await file.read(name));
  await file.close();
  edit(tensors);
  await writeSafetensors(path, sourceOf(Object.fromEntries(tensors)));
}

/** The tensor of that name, to change its data in place. */
export function tensorOf(tensors: ReadonlyMap<string, Tensor>, name: string): Tensor {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`no tensor ${name} among ${[...tensors.keys()].join(", ")}`);
  return tensor;
}

/** Drops every case of recorded decodings but one. */
export function keepCase(tensors: Map<string, Tensor>, key: string): void {
  for (const name of [...tensors.keys()]) if (!name.startsWith(`${key}.`)) tensors.delete(name);
}
