import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { fusion } from "./shown-command.mjs";
import { root, say } from "./workspace.mjs";

/** Exit codes of commands that were asked to stop. */
const stopped = [129, 130, 143];

/**
 * Makes data, trains, scores, writes a page, and answers about pictures: by the commands that a user would type, which are shown.
 *
 * What a run before has finished is used again, what it has not is done again. Resolves to the exit code.
 *
 * @param recipe - see scripts/quickstart.mjs
 */
export async function quickstart(recipe) {
  if (!claimFolder(recipe)) return 1;
  const status = await run(recipe);
  if (stopped.includes(status))
    say("\nStopped. npm run quickstart goes on from what is finished, and training from its last checkpoint.");
  return status;
}

async function run(recipe) {
  const { data, start, model, scores, page } = placesOf(recipe);
  const { status: synthesised } = await step({
    done: `${data}/dataset.json`,
    what: "Pictures, captions and questions: a grammar describes scenes, everything else is made from the descriptions.",
    args: ["data", "synth", "--out", data, ...flags(recipe.data)],
  });
  if (synthesised !== 0) return synthesised;

  const begun = await step({
    done: `${start}/model.safetensors`, // what a model folder gets last
    what: "The training begins with random weights:",
    args: ["model", "init", recipe.preset, "--out", start, "--seed", `${recipe.training.seed}`],
  });
  if (begun.status !== 0) return begun.status;

  const isUnderWay = existsSync(at(`${model}.training/training.json`));
  const trained = await step({
    done: `${model}/config.json`,
    what: isUnderWay
      ? "Training goes on from its last checkpoint:"
      : "Training, through captions and then through questions:",
    args: isUnderWay ? ["train", "resume", model] : trainingArguments(recipe),
  });
  if (trained.status !== 0) return trained.status;

  const scored = await score(recipe, {
    ...{ model, out: scores, further: ["--blank"] },
    what: "Held-out questions, on combinations that no training picture has; and again about blank pictures:",
  });
  if (scored.status !== 0) return scored.status;

  say("\nThe page:");
  const reported = await fusion(["eval", "report", scores, "--log", model, "--out", page]);
  if (reported.status !== 0) return reported.status;
  const answered = await answer(recipe);
  if (answered !== 0) return answered;
  for (const line of closingLines(recipe)) process.stdout.write(`${line}\n`);
  return 0;
}

function trainingArguments(recipe) {
  const { data, start, model } = placesOf(recipe);
  return [
    "train",
    ...["--model", start, "--data", `${data}/captions.json`, "--data", `${data}/train.json`],
    ...["--share", `${recipe.shares.captions}`, "--share", `${recipe.shares.questions}`],
    ...["--max-minutes", `${trainingMinutes(recipe, process.uptime() / 60)}`],
    ...["--out", model, ...flags(recipe.training)],
  ];
}

/** Scores a model; scores that are older than it are of a model that is no more. */
function score({ folder, scoring }, { what, model, out, further = [] }) {
  const modelMade = changedAt(at(`${model}/config.json`));
  const redo = ["predictions.jsonl", "score.json"].some((file) => {
    const path = at(`${out}/${file}`);
    return existsSync(path) && changedAt(path) < modelMade;
  });
  return step({
    done: `${out}/score.json`,
    redo,
    what,
    args: [
      ...["eval", "run", "--benchmark", "builtin", "--data", `${folder}/data`, "--model", model, ...further],
      ...["--out", out, ...flags(scoring), ...(redo ? ["--restart"] : [])],
    ],
  });
}

/** Asks about three pictures, each time by a command of its own; and asks the nano that ships, to see what longer training gives. */
async function answer(recipe) {
  const { data, model } = placesOf(recipe);
  const { printableLine } = await import("@fusion-vlm/plugin-kit");
  say("\nThree pictures that the model has never seen, and what the trained nano says to them:");
  for (const { image, question, expected } of threeQuestions(readJson(`${data}/heldout.json`))) {
    process.stdout.write(`picture   ${data}/${image}\nquestion  ${question}\nexpected  ${expected}\n`);
    const models = [
      ["answer", ["--model", model]],
      ["nano", ["--model", "nano"]],
    ];
    for (const [label, named] of models) {
      const args = ["ask", `${data}/${image}`, question, ...named, "--max-tokens", "16"];
      const { status, stdout } = await fusion(args, { capture: true });
      if (status !== 0) return status;
      const given = printableLine(stdout.trim());
      const verdict = given.toLowerCase().replace(/\.$/, "") === expected.toLowerCase() ? "right" : "wrong";
      process.stdout.write(`${label.padEnd(8)}  ${given || "(nothing)"}  (${verdict})\n`);
    }
    process.stdout.write("\n");
  }
  return 0;
}

/** The first question of a new kind about each of the first three held-out pictures. */
export function threeQuestions(records) {
  const chosen = [];
  for (const { image, kind, conversations } of records) {
    if (chosen.length === 3) break;
    if (chosen.some((one) => one.image === image || one.kind === kind)) continue;
    const [{ value: question }, { value: expected }] = conversations;
    chosen.push({ image, kind, question: question.replace("<image>", "").trim(), expected });
  }
  return chosen;
}

/**
 * Minutes that training may take, so that all ends in time: what is left of the whole, without what comes after training.
 */
export function trainingMinutes({ minutes, closingMinutes, trainingMinutes: most }, elapsed) {
  const left = Math.min(most, minutes - elapsed - closingMinutes);
  return Math.max(0.5, Math.floor(left * 10) / 10);
}

/** Both figures, where the page is, what to do next. */
function closingLines(recipe) {
  const { data, model, scores, page } = placesOf(recipe);
  const { picture, blank, difference } = readJson(`${scores}/score.json`).overall;
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const points = (share) => `${share > 0 ? "+" : ""}${(100 * share).toFixed(1)}`;
  const { interval } = difference;
  const range = interval ? ` (95 %: ${points(interval[0])} to ${points(interval[1])})` : "";
  return [
    `Held-out questions answered exactly, with the picture:   ${percent(picture.share)}`,
    `Held-out questions answered exactly, blank picture:      ${percent(blank.share)}`,
    `Looking adds ${points(difference.difference)} points${range}.`,
    `Page: ${page}`,
    `Next: npx fusion chat ${data}/images/heldout-000001.png --model ${model}`,
    `Longer: delete ${model}, run the train command above with more --max-minutes, then npm run quickstart.`,
  ];
}

/** Runs a command unless what it makes is there. */
async function step({ done, redo = false, what, args }) {
  if (existsSync(at(done)) && !redo) {
    say(`\n${done.slice(0, done.lastIndexOf("/"))} is there already.`);
    return { status: 0 };
  }
  say(`\n${what}`);
  const { status } = await fusion(args);
  return { status };
}

/** Marks the folder as made by this recipe; one that another recipe has made, or something else, is told and left alone. */
function claimFolder(recipe) {
  const { folder } = recipe;
  const file = `${folder}/recipe.json`;
  const own = `${JSON.stringify(recipe, undefined, 2)}\n`;
  const fault = existsSync(at(file))
    ? readFileSync(at(file), "utf8") !== own && "was made with other numbers"
    : existsSync(at(folder)) && "was not made by the quickstart";
  if (fault) {
    say(`The folder ${folder} ${fault}. Delete or rename it, and start again.`);
    return false;
  }
  mkdirSync(at(folder), { recursive: true });
  writeFileSync(at(file), own);
  return true;
}

function placesOf({ folder }) {
  const inFolder = (name) => `${folder}/${name}`;
  return {
    data: inFolder("data"),
    model: inFolder("model"),
    start: inFolder("start"),
    scores: inFolder("scores"),
    page: inFolder("report.html"),
  };
}

/** `{ "batch-size": 16 }` as `--batch-size 16`. */
function flags(values) {
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, `${value}`]);
}

function changedAt(path) {
  return statSync(path).mtimeMs;
}

function readJson(path) {
  return JSON.parse(readFileSync(at(path), "utf8"));
}

function at(path) {
  return resolve(root, path);
}
