import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { htmlPage } from "./page.ts";
import { pixel, sectionsOf } from "./pages-for-tests.ts";

const pageOf = (text: string) =>
  htmlPage({
    ...{ title: text, summary: text, sections: sectionsOf(text), language: text },
    progress: { label: text, share: 0.5 },
  });

test("text of others stays text, wherever it stands", () => {
  const hostile = `"><script>alert(1)</script><img src=x onerror='alert(2)'>`;
  const harmless = "x".repeat(7);

  const page = pageOf(hostile);

  expect(page).not.toContain("<script");
  expect(page).not.toContain("<img src=x");
  // No tag and no attribute more or less than with harmless text.
  const tags = (html: string) =>
    html
      .match(/<[^>]*>/g)!
      .map((tag) => tag.replace(/="[^"]*"/g, ""))
      .join("\n");
  expect(tags(page)).toBe(tags(pageOf(harmless)));
  const places = (html: string, text: string) => html.split(text).length - 1;
  expect(places(page, "&#60;script&#62;alert(1)")).toBe(places(pageOf(harmless), harmless));
});

test("a page asks no one for anything, and forbids itself to", () => {
  const page = pageOf("plain");

  expect(page).toContain(`content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"`);
  const addresses = [...page.matchAll(/(?:src|href|url)\s*[=(]\s*"?([^")]*)/g)].map(([, address]) => address!);
  expect(addresses).toEqual([`data:image/gif;base64,${pixel.toString("base64")}`]);
  expect(page).not.toMatch(/@import|https?:/);
});

test("right and wrong are told in words", () => {
  const page = pageOf("plain");

  expect(page).toContain("✓ right");
  expect(page).toContain("✗ wrong");
});

test("curves are told in words and numbers too", () => {
  const page = htmlPage({
    title: "t",
    sections: [
      {
        type: "curves",
        heading: "Losses",
        series: [
          {
            label: "total",
            points: [
              [1, 8],
              [500, 2],
              [1000, 0.5],
            ],
          },
          {
            label: "late",
            points: [
              [600, 3],
              [1000, 1],
            ],
          },
        ],
        xLabel: "step",
        yLabel: "loss",
        yScale: "log",
        smoothing: 1,
      },
    ],
  });

  expect(page).toContain("loss over step: total from 8 at 1 to 0.5 at 1k; late from 3 at 600 to 1 at 1k.");
  expect(page).toContain(`<tr><th scope="row">1</th><td>8</td><td>–</td></tr>`);
  expect(page).toContain(`<tr><th scope="row">1000</th><td>0.5</td><td>1</td></tr>`);
});

test("a score shows share and interval as width and as number", () => {
  const page = pageOf("plain");

  expect(page).toContain("width:75%");
  expect(page).toContain("left:60%;width:25%");
  expect(page).toContain("<b>75.0 %</b> <small>60.0–85.0</small>");
});

test("an answer of nothing is said to be nothing", () => {
  const questions = [{ question: "q", expected: "e", answer: " ", correct: false }];

  const page = htmlPage({
    title: "t",
    sections: [{ type: "samples", heading: "h", samples: [{ picture: pixel, questions }] }],
  });

  expect(page).toContain("<dd><i>nothing</i>");
});

test("losses that were no number leave a gap and do not spoil the drawing", () => {
  const points = [
    [1, 4],
    [2, Number.NaN],
    [3, 2],
    [4, 1],
  ] as const;
  const page = htmlPage({
    title: "t",
    sections: [
      { type: "curves", heading: "h", series: [{ label: "l", points }], xLabel: "x", yLabel: "y", smoothing: 1 },
    ],
  });

  expect(page).toContain('d="M0 0h0M666.7 666.7h0L1000 1000"');
  expect(page).not.toContain("NaN");
});

test("curves without a point are refused", () => {
  const curves = { type: "curves", heading: "Losses", series: [], xLabel: "x", yLabel: "y" } as const;

  expect(() => htmlPage({ title: "t", sections: [curves] })).toThrow(
    'section "Losses": expected at least one series with a point, got none',
  );
});

test("a live page renews itself by one script that its policy names, or by the browser where scripts are off", () => {
  const page = htmlPage({ title: "t", sections: sectionsOf("text"), refresh: 10 });

  const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, script]) => script!);
  expect(scripts).toHaveLength(1);
  const hash = createHash("sha256").update(scripts[0]!).digest("base64");
  expect(page).toContain(`script-src 'sha256-${hash}'; connect-src 'self'">`);
  expect(page).toContain('<noscript><meta http-equiv="refresh" content="10"></noscript>');
  expect(page).toContain('<html lang="en" data-refresh="10">');
});

test("a page that is not live stays as it is", () => {
  expect(pageOf("plain")).not.toMatch(/refresh|<script|<button/);
});

test("a table has its numbers on the right, and folds", () => {
  const table = { type: "table", heading: "h", head: ["file", "samples"], rows: [["a.json", 12]] } as const;

  const [open, folded] = [table, { ...table, folded: "All files" }].map((one) =>
    htmlPage({ title: "t", sections: [one] }),
  );

  expect(open).toContain('<tr><th scope="row">a.json</th><td class="number">12</td></tr>');
  expect(open).not.toContain("<details>");
  expect(folded).toContain("<details><summary>All files</summary>");
});

test.each([
  [0.51234, "0.512"],
  [Number.NaN, "0"],
  [7, "1"],
])("progress %d fills the bar to %s", (share, value) => {
  const page = htmlPage({ title: "t", sections: [], progress: { label: "51 % done", share } });

  expect(page).toContain(`<progress max="1" value="${value}" aria-label="51 % done">`);
});
