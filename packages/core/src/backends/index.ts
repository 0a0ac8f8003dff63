export type {
  Backend,
  CompileOptions,
  Feeds,
  Fetches,
  OnnxModel,
  Program,
  RunOptions,
  StateTensor,
  StateWrite,
  ValueInfo,
} from "./backend.ts";
