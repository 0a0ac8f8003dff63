import { expect, test } from "vitest";
import type { AnswerFacts } from "../services/answer.ts";
import type { ModelFacts } from "../services/model-facts.ts";
import { renderAnswerFacts, renderTurnFacts } from "./answer-lines.ts";
import { renderModel } from "./model-lines.ts";

const model: ModelFacts = {
  source: "./mine",
  type: "fusion_phi",
  semantics: "paper",
  template: "phi_3",
  parameters: 3_521_792,
  bytes: 14_087_168,
  device: "cpu",
  deviceReason: "cpu was asked for",
  latents: 64,
  imageTokens: 64,
  contextLength: 1024,
  untrained: false,
};

const answer: AnswerFacts = {
  text: "A cat.",
  finishReason: "stop",
  tokens: [1, 2, 3],
  usage: {
    promptTokens: 165,
    imageTokens: 64,
    latentTokens: 64,
    outputTokens: 3,
    cachedTokens: 0,
    instructionTruncated: false,
  },
  timing: { image: 4.2, vision: 30, prefill: 40, decode: 20, firstToken: 80, total: 1100 },
  tokensPerSecond: 100,
};

test("the model's line tells name, size, device with its reason, and latents", () => {
  expect(renderModel(model)).toBe(
    "Model: ./mine: 3.52 M parameters, 13.4 MiB; cpu (cpu was asked for); 64 latents, 64 image tokens",
  );
});

test("an untrained model is announced as such", () => {
  expect(renderModel({ ...model, untrained: true }).split("\n")[1]).toBe(
    "Untrained: its weights are random numbers, so its answers mean nothing.",
  );
});

test("a folder's name cannot steer the terminal", () => {
  expect(renderModel({ ...model, source: "a\u001b[2J\nb" })).toMatch(/^Model: a\[2J b: /);
});

test("below an answer stand its tokens and what they took", () => {
  expect(renderAnswerFacts({ ...answer, timing: { load: 512, ...answer.timing }, model })).toBe(
    "Tokens: 165 in (64 image, 64 latent); 3 out\nTime: load 512 ms, image 4.2 ms, vision 30 ms, prefill 40 ms, decode 20 ms; 100.0 tokens/s",
  );
});

test("in a chat they are one line, with what was in the cache", () => {
  const usage = { ...answer.usage, promptTokens: 80, imageTokens: 0, cachedTokens: 170 };

  expect(renderTurnFacts({ ...answer, usage })).toBe("[80 in (64 latent); 170 cached; 3 out; 1.10 s; 100.0 tokens/s]");
});

test("an answer that was cut, a cut instruction and a single token are told", () => {
  const usage = { ...answer.usage, instructionTruncated: true };
  const cut = renderTurnFacts({ ...answer, usage, finishReason: "length", tokens: [1], tokensPerSecond: null });

  expect(cut).toBe(
    "[165 in (64 image, 64 latent); 1 out, cut at the limit; the vision tower saw only the first 256 tokens of the question; 1.10 s]",
  );
});
