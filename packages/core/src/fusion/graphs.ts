import type { Dim, Graph, Value } from "../graph/index.ts";
import { bilinearTokens } from "../nn/index.ts";
import { buildGraph, type OpBuilder } from "../ops/index.ts";
import { type AnswerLoss, answerInputs, answerLoss } from "./answer-loss.ts";
import { type FusionConfig, interactionPoints } from "./config.ts";
import { decoder, outputLogits, type PastCache } from "./decoder.ts";
import type { KeyValue } from "./decoder-attention.ts";
import { dualSupervisedLoss } from "./dual-supervised-loss.ts";
import { globalContext } from "./global-context.ts";
import { latentTokens } from "./latent-tokens.ts";
import { batchShare, type SemanticMappingLoss, semanticMappingLoss } from "./semantic-mapping-loss.ts";
import {
  embedSequence,
  type InteractionRows,
  interact,
  interactionRows,
  latentPlaces,
  sequenceInputs,
} from "./sequence-inputs.ts";
import { embedTokens, type TextGuidedEncoding, textGuidedEncoding } from "./text-guided-encoding.ts";

/*
 * Assembly only: every graph of FUSION from the one definition in this folder.
 *
 *   image    whole image + instruction          → image tokens
 *   context  four sub-images                    → global context
 *   latents  global context                     → latent tokens and windows (no parameters; one per Q)
 *   prefill  first turn                         → logits, keys and values; interaction layers run
 *   extend   a later turn on top of the cache   → the same; image tokens of turn 1 stay in the cache
 *   decode   one token                          → the same; no interaction layers
 *   verify   several tokens                     → decode of each of them, at once
 *   loss     everything at once with labels     → the losses of a batch
 */

/** Image tokens [B, Pᵢ, D] from `pixel_values` [B, 3, c, c], `instruction_ids` and `instruction_mask` [B, I]. */
export function imageGraph(config: FusionConfig): Graph {
  return buildGraph("fusion.image", (op) => {
    const { encoding } = guidedEncoding(op, config);
    op.output("image_tokens", imageTokens(op, config, encoding));
  });
}

/** Global context [B, 2√P, 2√P, D] from `sub_images` [B, 4, 3, c, c]. */
export function contextGraph(config: FusionConfig): Graph {
  return buildGraph("fusion.context", (op) => {
    op.output("context", globalContext(op, config, subImages(op, config)));
  });
}

/** `latents` [B, Q, D] and `windows` [B, Q, w², D] from `context`. */
export function latentsGraph(config: FusionConfig, latents: number): Graph {
  return buildGraph(`fusion.latents${latents}`, (op) => {
    const side = 2 * config.vision.grid;
    const context = op.input("context", "float32", ["B", side, side, config.language.hiddenSize]);
    const { initial, windows } = latentTokens(op, context, latents, config.interaction.window);
    op.output("latents", initial);
    op.output("windows", windows);
  });
}

/** The first turn: text, image tokens and latents; logits of `logit_rows`, keys and values of every row. */
export function prefillGraph(config: FusionConfig): Graph {
  return decoderGraph("fusion.prefill", config, { image: true, past: false });
}

/** A later turn on top of a cache: its own latents and question. */
export function extendGraph(config: FusionConfig): Graph {
  return decoderGraph("fusion.extend", config, { image: false, past: true });
}

/** One token on top of a cache. */
export function decodeGraph(config: FusionConfig): Graph {
  return buildGraph("fusion.decode", (op) => {
    const ids = op.input("input_ids", "int64", ["B", 1]);
    const positions = op.input("position_ids", "int64", ["B", 1]);
    const past = pastInputs(op, config);
    const { hidden, present } = decoder(op, config, embedTokens(op, config, ids), { positions, past });
    op.output("logits", outputLogits(op, config, hidden, op.Range("B")));
    outputPresent(op, present);
  });
}

/** Several tokens on top of a cache, each with its logits [S, V]: what decoding them one after the other would give. */
export function verifyGraph(config: FusionConfig): Graph {
  return buildGraph("fusion.verify", (op) => {
    const ids = op.input("input_ids", "int64", [1, "S"]);
    const positions = op.input("position_ids", "int64", [1, "S"]);
    const past = pastInputs(op, config, 1);
    const { hidden, present } = decoder(op, config, embedTokens(op, config, ids), { positions, past });
    op.output("logits", outputLogits(op, config, hidden, op.Range("S")));
    outputPresent(op, present);
  });
}

/** Losses of a batch: `loss` (15), `loss_answer` (14), `loss_v2t` (12), `loss_t2v` (13). */
export function lossGraph(config: FusionConfig, latents: number): Graph {
  return buildGraph("fusion.loss", (op) => {
    const { total, answer, mapping } = fusionLoss(op, config, latents);
    op.output("loss", total);
    op.output("loss_answer", answer.mean);
    op.output("loss_v2t", mapping.visionToText);
    op.output("loss_t2v", mapping.textToVision);
  });
}

/** The losses of a batch, scalars, inside a graph that goes on: a training step differentiates `total`. */
export interface FusionLoss {
  /** (15) */
  readonly total: Value;
  /** (14) */
  readonly answer: AnswerLoss;
  /** (12) and (13) */
  readonly mapping: SemanticMappingLoss;
}

/**
 * Declares the inputs of a batch and writes everything from pixels and ids to the losses.
 *
 * @param isPart - the call is one of several parts of a batch, whose totals are fed ({@link batchShare})
 */
export function fusionLoss(op: OpBuilder, config: FusionConfig, latents: number, isPart = false): FusionLoss {
  const { encoding, mask } = guidedEncoding(op, config);
  const context = globalContext(op, config, subImages(op, config));
  const tokens = latentTokens(op, context, latents, config.interaction.window);
  const inputs = sequenceInputs(op);
  const rows = interactionRows(op, latents);
  const parts = [imageTokens(op, config, encoding), tokens.initial];
  const { hidden } = decoder(op, config, embedSequence(op, config, inputs, parts), {
    positions: inputs.positions,
    afterLayer: interactions(op, config, rows, tokens.windows),
  });
  const whole = isPart ? batchShare(op) : undefined;
  const answer = answerLoss(op, config, hidden, answerInputs(op), whole?.answerTokens);
  const mapping = semanticMappingLoss(op, config, encoding, mask, whole);
  return { total: dualSupervisedLoss(op, answer.mean, mapping, config.mappingWeight), answer, mapping };
}

function decoderGraph(name: string, config: FusionConfig, { image, past }: { image: boolean; past: boolean }): Graph {
  return buildGraph(name, (op) => {
    const { hiddenSize: width } = config.language;
    const inputs = sequenceInputs(op);
    const rows = interactionRows(op, "Q");
    const latents = op.input("latents", "float32", ["B", "Q", width]);
    const windows = op.input("windows", "float32", ["B", "Q", config.interaction.window ** 2, width]);
    const parts = image
      ? [op.input("image_tokens", "float32", ["B", config.imageGrid ** 2, width]), latents]
      : [latents];
    const { hidden, present } = decoder(op, config, embedSequence(op, config, inputs, parts), {
      positions: inputs.positions,
      past: past ? pastInputs(op, config) : undefined,
      afterLayer: interactions(op, config, rows, windows),
    });
    op.output("logits", outputLogits(op, config, hidden, op.input("logit_rows", "int64", ["M"])));
    outputPresent(op, present);
  });
}

function guidedEncoding(op: OpBuilder, config: FusionConfig): { encoding: TextGuidedEncoding; mask: Value } {
  const side = config.vision.imageSize;
  const pixels = op.input("pixel_values", "float32", ["B", 3, side, side]);
  const ids = op.input("instruction_ids", "int64", ["B", "I"]);
  const mask = op.input("instruction_mask", "float32", ["B", "I"]);
  return { encoding: textGuidedEncoding(op, config, pixels, ids, mask), mask };
}

/** FUSION-L: the image tokens on another grid (Section 4.3 of the paper). */
function imageTokens(op: OpBuilder, { vision, imageGrid }: FusionConfig, encoding: TextGuidedEncoding): Value {
  return op.scope("image_tokens", () => bilinearTokens(op, encoding.image, vision.grid, imageGrid));
}

function subImages(op: OpBuilder, { vision }: FusionConfig): Value {
  const side = vision.imageSize;
  const images = op.input("sub_images", "float32", ["B", 4, 3, side, side]);
  return op.Reshape(images, ["4*B", 3, side, side]);
}

function interactions(op: OpBuilder, config: FusionConfig, rows: InteractionRows, windows: Value) {
  const points = interactionPoints(config);
  const places = latentPlaces(op, rows);
  return (layer: number, hidden: Value): Value => {
    const index = points.indexOf(layer);
    return index < 0 ? hidden : interact(op, config, { layer, index }, hidden, { rows, places, windows });
  };
}

function pastInputs(op: OpBuilder, { language }: FusionConfig, batch: Dim = "B"): PastCache {
  const { keyValueHeads, headDim } = language;
  const layers = Array.from({ length: language.layers }, (_, layer) => ({
    key: op.input(pastKeyName(layer), "float32", [batch, keyValueHeads, headDim, "C"]),
    value: op.input(pastValueName(layer), "float32", [batch, keyValueHeads, "C", headDim]),
  }));
  return { layers, lengths: op.input("past_lengths", "int64", [batch]) };
}

function outputPresent(op: OpBuilder, present: readonly KeyValue[]): void {
  present.forEach(({ key, value }, layer) => {
    op.output(presentKeyName(layer), key);
    op.output(presentValueName(layer), value);
  });
}

export const pastKeyName = (layer: number): string => `past_key_${layer}`;
export const pastValueName = (layer: number): string => `past_value_${layer}`;
export const presentKeyName = (layer: number): string => `present_key_${layer}`;
export const presentValueName = (layer: number): string => `present_value_${layer}`;
