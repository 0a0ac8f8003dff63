#!/usr/bin/env node
// The fusion command of this repository, with its command packages linked (oclif's devPlugins). Users install them one by one.
process.env.NODE_ENV = "development";

const { settings } = await import("@oclif/core");
settings.enableAutoTranspile = false; // the packages are built; oclif would look for TypeScript sources

const { runCli } = await import("@fusion-vlm/plugin-kit");
await runCli(import.meta.url);
