import type { Section } from "./page.ts";

/** The smallest GIF there is: one transparent pixel. */
export const pixel = Buffer.from("R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==", "base64");

/** A section of every type, with `text` wherever text can stand. */
export function sectionsOf(text: string): Section[] {
  const bar = { share: 0.75, interval: [0.6, 0.85] } as const;
  const question = { question: text, expected: text, answer: text, kind: text, blankAnswer: text };
  return [
    { type: "facts", heading: text, facts: [[text, text]] },
    {
      type: "curves",
      heading: text,
      series: [
        {
          label: text,
          points: [
            [1, 2],
            [2, 1],
            [3, 0.5],
          ],
        },
      ],
      xLabel: text,
      yLabel: text,
      marks: [{ x: 2, label: text }],
      caption: text,
    },
    {
      type: "charts",
      heading: text,
      charts: [
        {
          title: text,
          series: [{ label: text, points: [[1, 2]], highlight: { point: [1, 2], label: text } }],
          xLabel: text,
          yLabel: text,
          pins: [{ label: text, shape: "dot", xs: [1] }],
        },
      ],
      caption: text,
    },
    { type: "table", heading: text, head: [text, text], rows: [[text, text]], folded: text },
    { type: "scores", heading: text, bars: [text], rows: [{ label: text, total: 40, bars: [bar] }], caption: text },
    {
      type: "samples",
      heading: text,
      samples: [
        {
          picture: pixel,
          questions: [
            { ...question, correct: true },
            { ...question, correct: false },
          ],
        },
      ],
      caption: text,
    },
    { type: "notes", heading: text, paragraphs: [text] },
  ];
}
