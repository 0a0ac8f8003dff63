import { describe, expect, test } from "vitest";
import { resolveSettings } from "./settings.ts";

const config = {
  model: "from-config",
  device: "cuda",
  threads: 2,
  generation: { temperature: 0.5, maxTokens: 9 },
} as const;

describe("precedence", () => {
  test("flags win over the environment, that over the configuration, that over defaults", () => {
    const env = { FUSION_MODEL: "from-environment" };
    const model = (flags: { model?: string }, environment: Record<string, string>, settings: object) =>
      resolveSettings({ flags, env: environment, loaded: { config: settings } }).model;

    expect(model({ model: "from-flag" }, env, config)).toEqual({ value: "from-flag", source: "flag" });
    expect(model({}, env, config)).toEqual({ value: "from-environment", source: "environment" });
    expect(model({}, {}, config)).toEqual({ value: "from-config", source: "config" });
    expect(model({}, {}, {})).toEqual({ value: "nano", source: "default" });
  });

  test("an empty FUSION_MODEL counts as none", () => {
    expect(resolveSettings({ flags: {}, env: { FUSION_MODEL: "" }, loaded: { config: {} } }).model.source).toBe(
      "default",
    );
  });

  test("generation options are overridden one by one", () => {
    const { generation, device, threads } = resolveSettings({
      flags: { temperature: 0, "image-tokens": 16, device: "cpu" },
      env: {},
      loaded: { config },
    });

    expect(generation).toEqual({ temperature: 0, maxTokens: 9, imageTokens: 16 });
    expect(device).toEqual({ value: "cpu", source: "flag" });
    expect(threads).toEqual({ value: 2, source: "config" });
  });

  test("nothing is invented that nobody asked for", () => {
    const { generation, threads } = resolveSettings({ flags: {}, env: {}, loaded: { config: {} } });

    expect(generation).toEqual({});
    expect(threads).toBeUndefined();
  });
});
