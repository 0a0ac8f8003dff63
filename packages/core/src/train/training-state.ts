import type { Backend, Program, StateTensor } from "../backends/index.ts";
import { type FusionConfig, fusionParameters } from "../fusion/index.ts";
import type { Graph } from "../graph/index.ts";
import { compileInputs } from "../session/index.ts";
import { float32, type Tensor, tensor } from "../tensor/index.ts";
import { type BatchSizes, gradientGraph } from "./gradient-graph.ts";
import { type ParameterGroup, parameterGroups, stateNames } from "./parameter-groups.ts";
import type { TrainingBatch } from "./training-batch.ts";
import { type AdamWOptions, updateGraph } from "./update-graph.ts";
