import { z } from "zod";

/**
 * The most that a key may say. Far past every model there is, and small enough that a wrong number is refused at once
 * instead of being built, layer by layer, until time or memory ends.
 */
export const limits = {
  /** Layers of the decoder and of the tower; also counts of and distances between interaction layers. */
  layers: 512,
  /** D and E. */
  width: 65_536,
  /** Of an MLP. */
  innerWidth: 262_144,
  heads: 1024,
  headDim: 4096,
  vocabulary: 2 ** 21,
  /** Rows of a conversation. */
  positions: 2 ** 24,
  /** Pixels a side. */
  image: 4096,
  /** Patches a side, √P; also the side of the grid that image tokens are interpolated to. */
  grid: 256,
  /** √Q · w: the side of the map that windows are cut from. */
  windowedSide: 512,
} as const;

/** A whole number from 1 to `most`. */
export const count = (most: number) => z.number().int().positive().max(most);

export const ratio = z.number().positive();

/** A key that changes a model in a way that is not built: only the value that changes nothing may stand there. */
export const onlyNeutral = <T extends z.ZodType>(neutral: T, message: string) =>
  z
    .custom<z.input<T> | null | undefined>((value) => value == null || neutral.safeParse(value).success, message)
    .optional();
