#!/usr/bin/env node
import { runCli } from "@fusion-vlm/plugin-kit";

// `fusion plugins install` runs npm, and with it onnxruntime-node's install script, which would download CUDA libraries and
// fail where their host is out of reach. Whoever wants them sets the variable to cuda12.
process.env.ONNXRUNTIME_NODE_INSTALL ??= "skip";

await runCli(import.meta.url);
