import { expect, test } from "vitest";
import { pixel } from "./pages-for-tests.ts";
import { type TrainingLogEntry, trainingReport } from "./training-report.ts";

const log: TrainingLogEntry[] = [1, 2, 3, 4].map((step) => ({
  step,
  stage: step < 3 ? "captions" : "questions",
  losses: { loss: 4 / step, answer: 3 / step, v2t: 0.5, t2v: 0.4 },
}));
const score = (share: number, total: number) => ({ share, total, interval: [share - 0.1, share + 0.1] as const });
const scores = {
  overall: { picture: score(0.7, 60), blank: score(0.2, 60) },
  kinds: [{ kind: "SynthColor", picture: score(0.8, 40), blank: score(0.3, 40) }],
};

test("has a curve for each loss, marks of the stages, a bar for each kind and the samples", () => {
  const questions = [{ question: "What colour?", expected: "red", answer: "red", correct: true }];

  const page = trainingReport({
    title: "T",
    facts: [["seed", 7]],
    log,
    scores,
    samples: [{ picture: pixel, questions }],
    notes: ["N"],
  });

  for (const name of ["total", "answer (cross entropy)", "vision to text", "text to vision"])
    expect(page).toContain(name);
  expect(page).toContain("loss, logarithmic");
  expect(page).toMatch(/left:0%;bottom:100%">captions<.*left:66.67%;bottom:100%">questions</);
  expect(page).toMatch(
    /SynthColor.*40<.*\n[\s\S]*with the picture: <\/span><b>80.0 %[\s\S]*blank picture: <\/span><b>30.0 %/,
  );
  expect(page).toContain("1 of these 1 answers are right.");
});

test("has a third bar for the scores before the training, where a kind was scored then", () => {
  const before = { overall: { picture: score(0.4, 60) }, kinds: [{ kind: "SynthText", picture: score(0.5, 20) }] };

  const page = trainingReport({ title: "T", log: [], scores, before });

  expect(page).toMatch(/with a blank picture<\/li>.*\n?<li>.*with the picture, before this training<\/li>/);
  expect(page).toMatch(/SynthColor[\s\S]*before this training: <\/span>not measured[\s\S]*>all</);
  expect(page).toMatch(/>all<[\s\S]*before this training: <\/span><b>40.0 %/);
});

test("a picture that cannot be shown has its reason in its place, and how pictures were chosen stands above", () => {
  const questions = [{ question: "What colour?", expected: "red", answer: "blue", correct: false }];

  const samples = [{ picture: "it is gone", name: "a.png", questions }];
  const page = trainingReport({ title: "T", log: [], samples, choice: "Chosen by lot." });

  expect(page).toContain('<p class="no-picture"><bdi>a.png</bdi>: it is gone</p>');
  expect(page).not.toContain("<img");
  expect(page).toContain("Chosen by lot. 0 of these 1 answers are right.");
});

test("a loss at zero or below takes the linear axis", () => {
  const page = trainingReport({ title: "T", log: [...log, { step: 5, losses: { loss: -0.1 } }] });

  expect(page).not.toContain("logarithmic");
});

test("leaves out what it was not given", () => {
  const page = trainingReport({ title: "T", log: [] });

  expect(page).not.toContain("<section>");
});
