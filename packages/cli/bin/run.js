#!/usr/bin/env node
import { existsSync } from "node:fs";
import { runCli } from "@fusion-vlm/plugin-kit";
import { settings } from "@oclif/core";

// `fusion plugins install` runs npm, and with it onnxruntime-node's install script, which would download CUDA libraries and
// fail where their host is out of reach. Whoever wants them sets the variable to cuda12.
process.env.ONNXRUNTIME_NODE_INSTALL ??= "skip";

// In the repository, where the sources lie beside this file (they are not published), the command packages are linked: oclif
// loads devPlugins unless NODE_ENV says production, as which it takes an empty one. Users install them one by one.
if (existsSync(new URL("../src", import.meta.url))) {
  process.env.NODE_ENV ??= "development";
  settings.enableAutoTranspile = false; // the packages are built; oclif would look for TypeScript sources
}

await runCli(import.meta.url);
