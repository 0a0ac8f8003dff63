import { dirname, resolve } from "node:path";
import { FusionError } from "@fusion-vlm/core";
import type { z } from "zod";
import { configSchema, type FusionConfig } from "./schema.ts";
import { describeIssues } from "./zod-issues.ts";

/** A configuration, and the file it came from. */
export interface LoadedConfig {
  /** Absolute path; absent when no configuration file was found. */
  readonly file?: string;
  readonly config: FusionConfig;
}

const searchPlaces = ["ts", "js", "mjs", "yaml", "yml", "json"].map((extension) => `fusion.config.${extension}`);

/**
 * Finds and checks fusion.config in `folder` or the nearest folder above it.
 *
 * @throws CONFIG_INVALID naming the file and every wrong key
 */
export async function loadConfig(folder: string): Promise<LoadedConfig> {
  // Not needed by --help and --version, which should come at once.
  const { cosmiconfig } = await import("cosmiconfig");
  // Each folder by itself: cosmiconfig's own walk upwards would go on to the user's ~/.config.
  const explorer = cosmiconfig("fusion", {
    searchPlaces,
    searchStrategy: "none",
    cache: false,
    ignoreEmptySearchPlaces: false,
    loaders: {
      ".ts": async (file) => {
        const { createJiti } = await import("jiti");
        return createJiti(file, { moduleCache: false, fsCache: false }).import(file, { default: true });
      },
    },
  });
  for (let current = resolve(folder); ; current = dirname(current)) {
    const found = await explorer.search(current).catch((cause) => {
      throw unreadable(cause, current);
    });
    if (found)
      return { file: found.filepath, config: relativeTo(found.filepath, check(found.config ?? {}, found.filepath)) };
    if (dirname(current) === current) return { config: {} };
  }
}

/**
 * A command package's own section, `plugins.<topic>`, checked by the package's schema; an absent one is checked as `{}`.
 *
 * @throws CONFIG_INVALID naming the file and every wrong key
 */
export function pluginConfig<S extends z.ZodType>(loaded: LoadedConfig, topic: string, schema: S): z.infer<S> {
  return parse(schema, loaded.config.plugins?.[topic] ?? {}, loaded.file ?? "fusion.config", ["plugins", topic]);
}

function check(value: unknown, file: string): FusionConfig {
  return parse(configSchema, value, file, []);
}

function parse<S extends z.ZodType>(schema: S, value: unknown, file: string, path: readonly string[]): z.infer<S> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const problems = describeIssues(result.error.issues, path);
  throw new FusionError({
    code: "CONFIG_INVALID",
    at: file,
    message:
      problems.length === 1 ? `${file}: ${problems[0]}` : `${file}:\n${problems.map((line) => `  ${line}`).join("\n")}`,
    hint: "Correct these keys; docs/configuration.md lists what each may hold.",
    details: { problems },
  });
}

function unreadable(cause: unknown, folder: string): FusionError {
  const file = (cause as { filepath?: string }).filepath ?? folder;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const module = /Cannot find (?:module|package) '((?![./]|[a-z]+:)[^']+)'/i.exec(reason)?.[1];
  return new FusionError({
    code: "CONFIG_INVALID",
    at: file,
    message: `${file}: ${reason.startsWith(file) ? reason.slice(file.length).replace(/^[:\s]+/, "") : reason}`,
    hint: module
      ? `Install ${module} beside the file (npm install ${module}), or export the object without importing anything.`
      : "Correct the file, or move it away to use the defaults.",
    cause,
  });
}

/** A model path that begins with a dot is meant from the file it stands in, wherever the command is run. */
function relativeTo(file: string, config: FusionConfig): FusionConfig {
  if (!config.model || !/^\.{1,2}([/\\]|$)/.test(config.model)) return config;
  return { ...config, model: resolve(dirname(file), config.model) };
}
