import { Flags } from "@oclif/core";

/** Where a model runs; `auto` leaves the choice to the SDK. */
export const devices = ["auto", "cpu", "cuda", "webgpu"] as const;
export type Device = (typeof devices)[number];

export const squareNumber = "a square number such as 16, 64 or 144";

export function isSquare(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && Number.isInteger(Math.sqrt(value));
}

/** A decimal number within bounds; a wrong one is a usage error that names flag and bounds. */
export const numberFlag = Flags.custom<number, { min?: number; above?: number; max?: number }>({
  parse: async (input, _context, { min, above, max }) => {
    const value = input.trim() === "" ? Number.NaN : Number(input);
    const isWithin = value >= (min ?? -Infinity) && value <= (max ?? Infinity) && value > (above ?? -Infinity);
    if (Number.isFinite(value) && isWithin) return value;
    const bounds = [
      min !== undefined && ` from ${min}`,
      above !== undefined && ` above ${above}`,
      max !== undefined && `${above === undefined ? "" : ", up"} to ${max}`,
    ];
    throw new Error(`expected a number${bounds.filter(Boolean).join("")}, got "${input}"`);
  },
});

/** A square number, as the sides of a window or a grid need; anything else is a usage error. */
export const squareFlag = Flags.custom<number>({
  parse: async (input) => {
    const value = input.trim() === "" ? Number.NaN : Number(input);
    if (isSquare(value)) return value;
    throw new Error(`expected ${squareNumber}, got "${input}"`);
  },
});

export const modelFlag = Flags.string({
  char: "m",
  description:
    "Model folder, or nano, the small model that is installed. Default: FUSION_MODEL, then fusion.config, then nano.",
  helpValue: "FOLDER",
});

export const deviceFlag = Flags.option({
  options: devices,
  description: "Engine to run on; one that is asked for and does not start is an error. Default: auto (the CPU).",
})();

export const threadsFlag = Flags.integer({
  min: 1,
  description: "CPU threads, at most four per logical processor. Default: one per physical core.",
  helpValue: "N",
});

export const seedFlag = Flags.integer({
  min: 0,
  description: "Seed of what is drawn at random; the same seed gives the same result.",
  helpValue: "N",
});

/** Under which of the two readings of the paper a model runs. */
export const semanticsFlag = Flags.option({
  options: ["released", "paper"] as const,
  description: "Run as the released code does, or as the paper says. Default: what the model's config.json says.",
})();

/** Which model, and where it runs. */
export const engineFlags = { model: modelFlag, device: deviceFlag, threads: threadsFlag };

/** How an answer is made. */
export const generationFlags = {
  latents: squareFlag({
    description: "Latent tokens per question, a square number. Default: the model's largest up to 64.",
    helpValue: "N",
  }),
  "image-tokens": squareFlag({
    description: "Image tokens, a square number: fewer is faster. Default: all patches of the vision tower.",
    helpValue: "N",
  }),
  "max-tokens": Flags.integer({ min: 1, description: "Longest answer, in tokens. Default: 256.", helpValue: "N" }),
  temperature: numberFlag({
    min: 0,
    description: "0, the default, takes the likeliest token; above, sampling.",
    helpValue: "T",
  }),
  "top-k": Flags.integer({
    min: 0,
    description: "Sample among the K likeliest tokens; 0, the default, means all.",
    helpValue: "K",
  }),
  "top-p": numberFlag({
    above: 0,
    max: 1,
    description: "Sample among the likeliest tokens of total mass P.",
    helpValue: "P",
  }),
  "repetition-penalty": numberFlag({
    above: 0,
    description: "Above 1, tokens seen before become less likely.",
    helpValue: "R",
  }),
  seed: seedFlag,
  lookup: Flags.boolean({
    allowNo: true,
    description: "Try out several tokens at once where the answer repeats what stood before. Default: yes.",
  }),
  stop: Flags.string({
    parse: async (input) => {
      if (input !== "") return input;
      throw new Error("expected a text, got an empty one");
    },
    multiple: true,
    multipleNonGreedy: true,
    description: "End the answer at this text. Repeatable.",
    helpValue: "TEXT",
  }),
};
