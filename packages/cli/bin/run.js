#!/usr/bin/env node
import { runCli } from "@fusion-vlm/plugin-kit";

await runCli(import.meta.url);
