// The architecture as a rule set: who may import whom. `npm run check` fails on every arrow that is not written here.

/**
 * Rooms of packages/core/src, lowest first, each with the rooms that it may import.
 *
 *   errors → tensor ─┬→ graph → ops ┬→ nn → fusion ─┬→ session → train, reference
 *                    │              └→ autodiff ────┤
 *                    ├→ weights, text, image ──────┤
 *                    └→ backends, generate ────────┘
 *
 *   errors → files → weights, text, image, backends
 */
const rooms = {
  errors: [],
  tensor: ["errors"],
  files: ["errors"],
  // From operators to the model.
  graph: ["errors", "tensor"],
  ops: ["errors", "tensor", "graph"],
  nn: ["errors", "tensor", "graph", "ops"],
  fusion: ["errors", "tensor", "graph", "ops", "nn", "text"],
  autodiff: ["errors", "tensor", "graph", "ops"],
  // What comes in from files. They know tensors, and nothing of models.
  weights: ["errors", "tensor", "files"],
  text: ["errors", "tensor", "files"],
  image: ["errors", "tensor", "files"],
  // Weights in 4 and 8 bits, and the graphs that read them.
  quantize: ["errors", "tensor", "graph", "ops", "nn", "fusion", "weights"],
  // What runs. A backend receives bytes and names, never model classes.
  backends: ["errors", "tensor", "files"],
  generate: ["errors", "tensor"],
};
// What puts the rooms together: a loaded model; then training, and the comparison with recorded numbers.
rooms.session = Object.keys(rooms);
rooms.train = Object.keys(rooms);
rooms.reference = Object.keys(rooms);
// Small models and matchers, for tests of this repository and of its users.
rooms.testing = Object.keys(rooms);

const core = "^packages/core/src";
/** Tests and what only they import: exempt from the walls between rooms. */
const tests = "([.](test|case)|-for-tests|-fixture)[.]ts$";
/** The doors of a room: what every platform may import, and what only Node may. */
const roomDoor = "index(-node)?[.]ts$";

const roomDirection = Object.entries(rooms).map(([room, allowed]) => ({
  name: `room-${room}`,
  comment: `${room} may import ${allowed.join(", ") || "no other room"}.`,
  severity: "error",
  from: { path: `${core}/${room}/`, pathNot: tests },
  to: { path: `${core}/[^/]+/`, pathNot: [room, ...allowed].map((name) => `${core}/${name}/`) },
}));

const roomWalls = [
  {
    name: "room-is-known",
    comment: "A new room of core needs a line in this file.",
    severity: "error",
    from: { path: `${core}/[^/]+/`, pathNot: Object.keys(rooms).map((room) => `${core}/${room}/`) },
    to: { path: core },
  },
  {
    name: "room-by-its-door",
    comment: "Rooms know each other by index.ts (index-node.ts for what only Node can do), not by their private files.",
    severity: "error",
    from: { path: `${core}/([^/]+)/`, pathNot: tests },
    to: { path: `${core}/[^/]+/`, pathNot: [`${core}/$1/`, `${core}/[^/]+/${roomDoor}`] },
  },
  {
    name: "doors-are-not-for-inside",
    comment: "The public entries src/*.ts are for users of the package; rooms import rooms.",
    severity: "error",
    from: { path: `${core}/[^/]+/`, pathNot: tests },
    to: { path: `${core}/[^/]+[.]ts$` },
  },
  {
    name: "tests-stay-outside",
    comment: "Nothing that is shipped imports a test or its helpers.",
    severity: "error",
    from: { path: "^packages/[^/]+/src/", pathNot: tests },
    to: { path: tests },
  },
];

const platforms = [
  {
    name: "node-files-only",
    comment: "Core runs in browsers: Node built-ins live in files that end in -node.ts.",
    severity: "error",
    from: { path: core, pathNot: [tests, "-node[.]ts$", `${core}/testing/`] },
    to: { dependencyTypes: ["core"] },
  },
  {
    name: "onnxruntime-node-in-backends",
    comment: "Only backends/*-node.ts talks to the native engine.",
    severity: "error",
    from: { path: "^packages/", pathNot: [`${core}/backends/[^/]+-node[.]ts$`, tests] },
    to: { path: "node_modules/onnxruntime-" },
  },
  {
    name: "sharp-in-image",
    comment: "Only image/*-node.ts decodes pictures, and only plugin-data's render/*-node.ts draws them.",
    severity: "error",
    from: {
      path: "^packages/",
      pathNot: [`${core}/image/[^/]+-node[.]ts$`, "^packages/plugin-data/src/render/[^/]+-node[.]ts$", tests],
    },
    to: { path: "node_modules/sharp/" },
  },
  {
    name: "core-has-no-terminal",
    comment: "Core is a library: no command framework, no configuration files.",
    severity: "error",
    from: { path: core },
    to: { path: "node_modules/(@oclif/|cosmiconfig/|jiti/)" },
  },
];

const packageArrows = [
  {
    name: "core-stands-alone",
    severity: "error",
    from: { path: "^packages/core/" },
    to: { path: "^packages/(?!core/)" },
  },
  {
    name: "plugin-kit-on-core",
    severity: "error",
    from: { path: "^packages/plugin-kit/" },
    to: { path: "^packages/(?!core/|plugin-kit/)" },
  },
  {
    name: "commands-on-kit-and-core",
    comment: "The cli and command packages depend on core and plugin-kit, never on one another.",
    severity: "error",
    from: { path: "^packages/(cli|plugin-(?!kit)[^/]+)/" },
    to: { path: "^packages/", pathNot: ["^packages/(core|plugin-kit)/", "^packages/$1/"] },
  },
  {
    name: "packages-by-name",
    comment: "Another package is imported by its name, through its exports; never by a path into its folder.",
    severity: "error",
    from: { path: "^packages/([^/]+)/" },
    to: { path: "^packages/", pathNot: "^packages/$1/", dependencyTypesNot: ["aliased"] },
  },
];

const hygiene = [
  { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
  { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
  {
    name: "declared-dependencies",
    comment: "What a package imports stands in its own package.json.",
    severity: "error",
    from: { path: "^packages/", pathNot: [tests, "^packages/[^/]+/test/"] },
    to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
  },
];

export default {
  forbidden: [...roomDirection, ...roomWalls, ...platforms, ...packageArrows, ...hygiene],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^packages/[^/]+/dist/" },
    tsConfig: { fileName: "tsconfig.json" },
    // Types count: a type-only import is an arrow too.
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["types", "import", "default"],
      extensions: [".ts", ".mjs", ".js", ".json"],
    },
  },
};
