import type { Device } from "../command/flags.ts";
import type { LoadedConfig } from "./load-config.ts";
import type { GenerationSettings } from "./schema.ts";

/** Where a value came from. */
export type SettingSource = "flag" | "environment" | "config" | "default";

export interface Setting<T> {
  readonly value: T;
  readonly source: SettingSource;
}

/** What a command runs with. */
export interface Settings {
  readonly model: Setting<string>;
  readonly device: Setting<Device>;
  /** Absent: the engine decides. */
  readonly threads?: Setting<number>;
  /** Only what someone asked for; the model's own defaults fill the rest. */
  readonly generation: GenerationSettings;
}

/** Parsed flags, of those in flags.ts that the command has. */
export interface SettingFlags {
  model?: string;
  device?: Device;
  threads?: number;
  latents?: number;
  "image-tokens"?: number;
  "max-tokens"?: number;
  temperature?: number;
  "top-k"?: number;
  "top-p"?: number;
  "repetition-penalty"?: number;
  seed?: number;
  lookup?: boolean;
  stop?: string[];
}

export const defaultModel = "nano";
export const defaultDevice: Device = "auto";

/** Flags win over the environment, that over the configuration, that over defaults. */
export function resolveSettings({
  flags,
  env,
  loaded: { config },
}: {
  flags: SettingFlags;
  env: Readonly<Record<string, string | undefined>>;
  loaded: LoadedConfig;
}): Settings {
  return {
    model: first([
      ["flag", flags.model],
      // An empty variable is how shells unset one for a single command.
      ["environment", env.FUSION_MODEL || undefined],
      ["config", config.model],
    ]) ?? { value: defaultModel, source: "default" },
    device: first([
      ["flag", flags.device],
      ["config", config.device],
    ]) ?? { value: defaultDevice, source: "default" },
    threads: first([
      ["flag", flags.threads],
      ["config", config.threads],
    ]),
    generation: { ...config.generation, ...withoutAbsent(generationOf(flags)) },
  };
}

function generationOf(flags: SettingFlags): GenerationSettings {
  return {
    latents: flags.latents,
    imageTokens: flags["image-tokens"],
    maxTokens: flags["max-tokens"],
    temperature: flags.temperature,
    topK: flags["top-k"],
    topP: flags["top-p"],
    repetitionPenalty: flags["repetition-penalty"],
    seed: flags.seed,
    lookup: flags.lookup,
    stop: flags.stop,
  };
}

function first<T>(candidates: readonly (readonly [SettingSource, T | undefined])[]): Setting<T> | undefined {
  for (const [source, value] of candidates) if (value !== undefined) return { value, source };
  return undefined;
}

function withoutAbsent<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Partial<T>;
}
