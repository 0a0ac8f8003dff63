// Commands
export {
  exitCodes,
  type Failure,
  type FailureCode,
  failureDocument,
  renderFailure,
  type StopSignal,
  toFailure,
} from "./command/failure.ts";
export { FusionCommand } from "./command/fusion-command.ts";
export type { Interrupt } from "./command/interrupt.ts";
export { runCli } from "./command/run-cli.ts";
export { UsageError } from "./command/usage-error.ts";

// Flags
export {
  type Device,
  deviceFlag,
  devices,
  engineFlags,
  generationFlags,
  modelFlag,
  numberFlag,
  seedFlag,
  semanticsFlag,
  threadsFlag,
} from "./command/flags.ts";

// What command packages are made of
export type { CommandTable, DoctorCheck, FusionHook, FusionHooks } from "./command/extension.ts";

// Configuration
export { type LoadedConfig, loadConfig, pluginConfig } from "./config/load-config.ts";
export { defineConfig, type FusionConfig, type GenerationSettings } from "./config/schema.ts";
export {
  defaultDevice,
  defaultModel,
  resolveSettings,
  type Setting,
  type SettingFlags,
  type SettingSource,
  type Settings,
} from "./config/settings.ts";

// Output
export { printable, printableLine } from "./output/printable.ts";
export { Progress, type ProgressOptions, type ProgressStream } from "./output/progress.ts";
export {
  type Column,
  formatBytes,
  formatCount,
  formatDuration,
  formatMilliseconds,
  keyValues,
  table,
} from "./output/text.ts";

// The machine
export { availableMemory, type MemorySources } from "./machine/available-memory.ts";

// Files
export { inOrder } from "./async/in-order.ts";
export { flushFolder, isRunning, OutputFolder, requireSpace } from "./files/output-folder.ts";
export { type TemporaryFolder, temporaryFolder } from "./files/temporary-folder.ts";
export { writeFileAtomic } from "./files/write-file-atomic.ts";
export { isDiskFull, type WriteErrorOptions, writeError, writing } from "./files/write-error.ts";

// HTML pages
export type { AxisScale } from "./html/axis.ts";
export type { Point } from "./html/curve.ts";
export type { Chart, Pins, Series } from "./html/chart.ts";
export type { ChartsSection, CurvesSection } from "./html/curves-section.ts";
export type { FactsSection } from "./html/facts-section.ts";
export type { NamedMark } from "./html/mark-names.ts";
export type { NotesSection } from "./html/notes-section.ts";
export { type HtmlPage, htmlPage, type Section } from "./html/page.ts";
export { pictureType } from "./html/picture-uri.ts";
export type { Sample, SampleQuestion, SamplesSection } from "./html/samples-section.ts";
export type { ScoreBar, ScoreRow, ScoresSection } from "./html/scores-section.ts";
export type { TableSection } from "./html/table-section.ts";
export {
  type ReportScore,
  type ReportScores,
  type TrainingLogEntry,
  type TrainingReport,
  trainingReport,
} from "./html/training-report.ts";
