// Training: batches, AdamW, schedules
export * from "./train/index.ts";

// Differentiating any graph
export * from "./autodiff/index.ts";
