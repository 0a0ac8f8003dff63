import { expect, test } from "vitest";
import { type Chart, chartFigure } from "./chart.ts";

const points = [
  [100, 4],
  [200, 1],
  [300, 2],
] as const;
const drawn = (chart: Partial<Chart>) =>
  chartFigure(
    { series: [{ label: "held out", points }], xLabel: "step", yLabel: "loss", smoothing: 1, ...chart },
    { name: "c" },
  ).text;

test("the axis reaches as far as asked", () => {
  expect(drawn({ xRange: [0, 400] })).toContain('d="M250 0h0L500 1000L750 666.7"');
  expect(drawn({ xRange: [150, 200] })).toContain('d="M0 0h0L500 1000L1000 666.7"');
});

test("the best point has a ring, and is told in the legend and to who cannot see it", () => {
  const highlight = { point: [200, 1], label: "best" } as const;
  const figure = drawn({ series: [{ label: "held out", points, highlight }], dots: true });

  expect(figure).toContain('class="ring series-0" d="M500 930h0"');
  expect(figure).toContain("◎ best <b>1</b> at 200");
  expect(figure).toContain("held out from 4 at 100 to 2 at 300, best 1 at 200.");
  expect(figure).toContain('class="dots series-0" d="M0 70h0M500 930h0M1000 643.3h0"');
});

test("a point alone is a dot, as there is no line to see", () => {
  expect(drawn({ series: [{ label: "first", points: [[1, 2]] }] })).toContain('class="dots series-0" d="M500 500h0"');
  expect(drawn({})).not.toContain('class="dots');
});

test("pins stand on the axis, inside of it only, with a name in the legend", () => {
  const figure = drawn({
    pins: [
      { label: "checkpoint", shape: "dot", xs: [200, 900] },
      { label: "skipped step", shape: "tick", xs: [300] },
      { label: "nothing", shape: "tick", xs: [] },
    ],
  });

  expect(figure).toContain('class="pin dot" d="M500 975h0"');
  expect(figure).toContain('class="curve smooth series-0" d="M0 0h0L500 910L1000 606.7"'); // above the pins
  expect(figure).toContain('class="pin tick" d="M1000 1000V955"');
  expect(figure).toMatch(/<li>.*<\/svg>checkpoint<\/li><li>.*<\/svg>skipped step<\/li>\n<\/ul>/);
  expect(figure).toContain("checkpoint: 2 marks; skipped step: 1 marks.");
  expect(figure).not.toContain("nothing");
});

test("what is smoothed has faint lines, unless they would crowd the drawing", () => {
  expect(drawn({ smoothing: 3 })).toContain('class="curve raw series-0"');
  expect(drawn({ smoothing: 3, raw: false })).not.toContain("curve raw");
  expect(drawn({ smoothing: 3, raw: false })).toContain(
    "<figcaption>Lines are medians of 3 points around.</figcaption>",
  );
});
