import { readFileSync } from "node:fs";
import { defineConfig, type Options } from "tsup";

/** What every package is built with: ESM for Node 20, types beside the code, dependencies left outside. */
function packageBuild(name: string, entry: Record<string, string>): Options {
  return {
    name,
    entry: Object.fromEntries(Object.entries(entry).map(([out, source]) => [out, `packages/${name}/src/${source}`])),
    outDir: `packages/${name}/dist`,
    format: "esm",
    target: "node20",
    platform: "neutral",
    dts: { compilerOptions: { paths: {} } },
    splitting: true,
    sourcemap: true,
    clean: true,
    external: [/^node:/, ...dependenciesOf(name)],
  };
}

/**
 * What a package imports by name is not bundled.
 *
 * Named one by one: tsup's skipNodeModulesBundle lets the `paths` of tsconfig.json win, which lead to the sources of our packages.
 */
function dependenciesOf(name: string): RegExp[] {
  const { dependencies = {} } = JSON.parse(readFileSync(`packages/${name}/package.json`, "utf8"));
  return Object.keys(dependencies).map((dependency) => new RegExp(`^${dependency}($|/)`));
}

const packages: Record<string, Record<string, string>> = {
  core: {
    index: "index.ts",
    graph: "graph.ts",
    generate: "generate.ts",
    testing: "testing.ts",
    train: "train.ts",
    "engine-worker-node": "backends/engine-worker-node.ts",
    "picture-worker-node": "image/picture-worker-node.ts",
  },
  nano: { index: "index.ts" },
  "plugin-kit": { index: "index.ts" },
  cli: { index: "index.ts" },
  "plugin-eval": { index: "index.ts" },
  "plugin-data": { index: "index.ts" },
  "plugin-train": { index: "index.ts" },
};

/** `tsup` builds all packages; BUILD_PACKAGE=core builds one (types of a package need its dependencies built first). */
export default defineConfig(
  Object.entries(packages)
    .filter(([name]) => !process.env.BUILD_PACKAGE || process.env.BUILD_PACKAGE === name)
    .map(([name, entry]) => packageBuild(name, entry)),
);
