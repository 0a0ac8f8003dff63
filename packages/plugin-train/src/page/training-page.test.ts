import { describe, expect, test } from "vitest";
import type { TrainEvent } from "../trainer/train-events.ts";
import { beginEvent, dataEvent, evaluationEvent, stepEvent } from "./events-for-tests.ts";
import { TrainingHistory } from "./training-history.ts";
import { type TrainingPageOptions, trainingPage } from "./training-page.ts";

const written = new Date("2026-11-28T10:20:30Z");
const pageOf = (events: readonly TrainEvent[], options: Partial<TrainingPageOptions> = {}) => {
  const history = new TrainingHistory();
  for (const event of events) history.add(event);
  return trainingPage(history, { live: true, written, ...options });
};
const steps = (from: number, to: number, more: Partial<ReturnType<typeof stepEvent>> = {}) =>
  Array.from({ length: to - from + 1 }, (_, index) => stepEvent(from + index, more));
const end = { type: "end", steps: 20, samples: 320, seconds: 41, stoppedEarly: false } as const;

describe("the state", () => {
  test("of a training that runs is how far it is and how long it takes, on a page that renews itself", () => {
    const page = pageOf([beginEvent(), ...steps(1, 20)]);

    expect(page).toContain(
      "Running: step 20 of 1000, 2 % done, about 3 min 20 s left. Written 2026-11-28 10:20:30 UTC.",
    );
    expect(page).toContain('<progress max="1" value="0.02" aria-label="2 % done">');
    expect(page).toContain('data-refresh="10"');
  });

  test("counts within the stage, and in all", () => {
    const page = pageOf([
      ...[beginEvent({ stage: "1" }), ...steps(1, 20, { stage: "1" })],
      ...[beginEvent({ stage: "1.5", stepsBefore: 20, steps: 50 }), ...steps(21, 30, { stage: "1.5" })],
    ]);

    expect(page).toContain("Running: stage 1.5, step 10 of 50 (30 in all), 3 % done");
  });

  test("of a training that is over does not change any more", () => {
    const page = pageOf([beginEvent(), ...steps(1, 20), end], { live: false });

    expect(page).toContain("Finished: 20 steps in 40 s. Written");
    expect(page).not.toMatch(/refresh|<script|<progress/);
  });

  test("tells why it was stopped", () => {
    const page = pageOf([beginEvent(), ...steps(1, 20)], { live: false, reason: "The disk is full" });

    expect(page).toContain("Stopped at step 20 of 1000. The disk is full. Written");
  });

  test("is told without numbers that are not known", () => {
    const unknown = { progress: Number.NaN, secondsLeft: Number.POSITIVE_INFINITY };

    expect(pageOf([beginEvent({ steps: null }), ...steps(1, 2, unknown)])).toContain("Running: step 2. Written");
  });
});

describe("the page", () => {
  test("draws losses, each data file, rates, and what was held out", () => {
    const sources = [
      { source: "d/captions.json", answer: 1, answerTokens: 10 },
      { source: "d/questions.json", answer: 2, answerTokens: 10 },
    ];
    const page = pageOf([
      ...[dataEvent(), beginEvent(), ...steps(1, 20, { sources })],
      ...[evaluationEvent(10, { best: true, answer: 0.5, sources }), evaluationEvent(20)],
    ]);

    for (const label of [
      "total",
      "answer (cross entropy)",
      "vision to text",
      "text to vision",
      "samples/s",
      "GFLOP/s",
    ]) {
      expect(page).toMatch(new RegExp(`</svg>${label.replace(/[()]/g, "\\$&")} <b>`));
    }
    expect(page).toContain("captions.json <b>1</b>");
    expect(page).toContain("questions.json <b>2</b>");
    expect(page).toContain("◎ best <b>0.5</b> at 10");
    for (const title of ["Learning rate", "Gradient norm", "Right answers and tokens", "Answer loss, by data file"]) {
      expect(page).toContain(`<h3>${title}</h3>`);
    }
  });

  test("draws many data files apart, in drawings of six at most", () => {
    const sources = Array.from({ length: 14 }, (_, index) => ({ source: `${index}.json`, answer: 1, answerTokens: 1 }));

    const page = pageOf([beginEvent(), ...steps(1, 3, { sources })]);

    expect([...page.matchAll(/<h3>(data files .*?)<\/h3>/g)].map(([, title]) => title)).toEqual([
      "data files 1 to 5",
      "data files 6 to 10",
      "data files 11 to 14",
    ]);
  });

  test("marks stages, checkpoints and skipped steps, and notes why", () => {
    const page = pageOf([
      ...[dataEvent({ skipped: [{ record: 3, unit: "line", reason: "600 tokens" }] })],
      ...[beginEvent({ stage: "1" }), ...steps(1, 10, { stage: "1" })],
      { type: "checkpoint", step: 10, stage: "1", folder: "out/step-10", bytes: 2 ** 20, seconds: 1 },
      ...[beginEvent({ stage: "2", stepsBefore: 10 }), ...steps(11, 19, { stage: "2" })],
      {
        ...{ type: "skipped-step", step: 20, stage: "2", reason: "the gradient is no number" },
        ...{ loss: null, gradientNorm: null, batch: ["a, record 1", "a, record 2"] },
      },
      { type: "warning", message: "the disk is nearly full" },
      ...steps(21, 21, { stage: "2" }),
    ]);

    expect(page).toMatch(/class="mark-name left"[^>]*>stage 1<.*class="mark-name left"[^>]*>stage 2</);
    expect(page).toMatch(/<\/svg>checkpoint<\/li><li>.*<\/svg>skipped step<\/li>/);
    expect(page).toContain("step 10: out/step-10 (1.0 MiB)");
    expect(page).toContain("Step 20 was skipped: the gradient is no number. Its samples: a, record 1, a, record 2.");
    expect(page).toContain("<p>the disk is nearly full</p>");
    expect(page).toContain("d/captions.json: 1 left out, too long: line 3 (600 tokens).");
    expect(page).toContain('<th scope="col">stage 1</th><th scope="col">stage 2</th>');
  });

  test("marks data files that follow one another in a training without stages", () => {
    const page = pageOf([
      ...[beginEvent(), ...steps(1, 10)],
      ...steps(11, 20, { phase: "d/questions.json + d/captions.json" }),
    ]);

    expect(page).toMatch(/mark-name left"[^>]*>captions.json<.*>questions.json \+ captio…</);
  });

  test("is the same for the same history", () => {
    const events = [dataEvent(), beginEvent(), ...steps(1, 300), evaluationEvent(100)];

    expect(pageOf(events)).toBe(pageOf(events));
  });

  test("stays under a megabyte whatever is drawn", () => {
    const sources = Array.from({ length: 30 }, (_, index) => ({
      ...{ source: `${"very/long/path/".repeat(9)}${index}.json`, answer: 1, answerTokens: 1 },
    }));
    const history = new TrainingHistory();
    history.add(beginEvent({ steps: 1e6 }));
    for (let step = 1; step <= 10_000; step++) {
      const wave = 3 + Math.sin(step) + Math.cos(step / 77);
      history.add(
        stepEvent(step, { loss: wave, sources: sources.map((one, index) => ({ ...one, answer: wave * index })) }),
      );
      if (step % 3 === 0) history.add({ type: "warning", message: "w".repeat(5000) });
      if (step % 5 === 0) history.add(evaluationEvent(step, { answer: wave, best: true, sources }));
      if (step % 7 === 0) history.add({ type: "checkpoint", step, stage: null, folder: "c", bytes: 1, seconds: 1 });
    }

    expect(trainingPage(history, { live: true, written }).length).toBeLessThan(1e6);
  });

  test("shows names of files and messages as text, whatever is in them", () => {
    const hostile = `"><script>alert(1)</script>\u001b[31m\u202egnp.exe`;
    const page = pageOf(
      [
        dataEvent({ file: hostile, skipped: [{ record: 1, unit: "line", reason: hostile }] }),
        beginEvent({ model: hostile, stage: hostile, device: hostile, settings: { [hostile]: hostile } }),
        beginEvent({ stage: "2", machine: { processor: hostile } }),
        ...steps(1, 3, {
          phase: hostile,
          stage: hostile,
          sources: [hostile, "b"].map((source) => ({ source, answer: 1, answerTokens: 1 })),
        }),
        {
          type: "skipped-step",
          step: 4,
          stage: null,
          reason: hostile,
          loss: null,
          gradientNorm: null,
          batch: [hostile],
        },
        { type: "checkpoint", step: 3, stage: null, folder: hostile, bytes: 1, seconds: 1 },
        evaluationEvent(3, { sources: [hostile, "b"].map((source) => ({ source, answer: 1, answerTokens: 1 })) }),
        { type: "warning", message: hostile },
      ],
      { title: hostile, reason: hostile, live: false },
    );

    expect(page).not.toContain("<script");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    expect(page).not.toMatch(/[\u0000-\u0008\u001b\u202e]/);
    expect(page).toContain("&#60;script&#62;");
  });
});
