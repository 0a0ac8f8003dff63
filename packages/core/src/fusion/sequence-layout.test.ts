import { describe, expect, it } from "vitest";
import { FusionError } from "../errors/index.ts";
import type { Tensor } from "../tensor/index.ts";
import { type LayoutOptions, type LayoutSample, layoutSequence, type SequenceLayout } from "./sequence-layout.ts";
import { answer, image, latent, question, text } from "./tiny-model-for-tests.ts";

const options: LayoutOptions = { imageRows: 2, latents: 4 };
const withImage = (...segments: LayoutSample["segments"]): LayoutSample => ({ segments, zeroLatents: false });
const withoutImage = (...segments: LayoutSample["segments"]): LayoutSample => ({ segments, zeroLatents: true });

const rowsOf = ({ shape, data }: Tensor<"int64">, size = shape.at(-1)!) =>
  Array.from({ length: data.length / size }, (_, i) => Array.from(data.slice(i * size, (i + 1) * size), Number));

/** Each sample as a line: token ids, i0 i1 … for image rows, q0 q1 … for latent rows, · for a zero row. */
function picture({ feeds }: SequenceLayout, { imageRows, latents }: LayoutOptions): string[] {
  const [batch, tokens] = feeds.input_ids!.shape as [number, number];
  const ids = Array.from(feeds.input_ids!.data, Number);
  const [images, grids, zero] = [batch * tokens, batch * (tokens + imageRows), batch * (tokens + imageRows + latents)];
  const name = (source: number, b: number): string => {
    if (source === zero) return "·";
    if (source >= grids)
      return Math.floor((source - grids) / latents) === b ? `q${(source - grids) % latents}` : "WRONG";
    if (source >= images)
      return Math.floor((source - images) / imageRows) === b ? `i${(source - images) % imageRows}` : "WRONG";
    return Math.floor(source / tokens) === b ? String(ids[source]) : "WRONG";
  };
  return rowsOf(feeds.row_source!).map((row, b) => row.map((source) => name(source, b)).join(" "));
}

/** Each sample as a line: r.q where latent q of question r is written back, - elsewhere. */
function writtenBack({ feeds, length }: SequenceLayout, latents: number): string[] {
  const questions = feeds.question_rows!.shape[1]!;
  return rowsOf(feeds.latent_source!, length).map((row, b) =>
    row
      .map((source) => {
        if (source < 0) return "-";
        const local = source - b * questions * latents;
        return `${Math.floor(local / latents)}.${local % latents}`;
      })
      .join(" "),
  );
}

describe("one turn", () => {
  const layout = layoutSequence([withImage(text(11, 12), image, text(13), latent, text(14), question(15))], options);

  it("places text, image rows and the latent grid in order", () => {
    expect(picture(layout, options)).toEqual(["11 12 i0 i1 13 q0 q1 q2 q3 14 15"]);
    expect(layout.samples).toEqual([{ length: 11, questionEnds: [10], latentStarts: [5] }]);
  });

  it("writes the latents back where they stand, with the state at the question's end", () => {
    expect(writtenBack(layout, 4)).toEqual(["- - - - - 0.0 0.1 0.2 0.3 - -"]);
    expect(rowsOf(layout.feeds.question_rows!)).toEqual([[10]]);
    expect(rowsOf(layout.feeds.latent_rows!)).toEqual([[5, 6, 7, 8]]);
  });

  it("gives no row to the latents of a question that only pads the batch", () => {
    const two = withImage(text(11), image, latent, question(12), latent, question(13));
    const { latent_rows } = layoutSequence([withImage(text(11), image, latent, question(12)), two], options).feeds;

    expect(rowsOf(latent_rows!)[1]).toEqual([-1, -1, -1, -1]);
  });

  it("counts positions from 0", () => {
    expect(rowsOf(layout.feeds.position_ids!)).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]);
  });
});

describe("several turns", () => {
  const turns = withImage(image, latent, question(11), answer(21, 22), text(12), latent, question(13), answer(23));

  it("gives each question a grid of its own", () => {
    const layout = layoutSequence([turns], options);

    expect(picture(layout, options)).toEqual(["i0 i1 q0 q1 q2 q3 11 21 22 12 q0 q1 q2 q3 13 23"]);
    expect(writtenBack(layout, 4)).toEqual(["- - 0.0 0.1 0.2 0.3 - - - - 1.0 1.1 1.2 1.3 - -"]);
    expect(layout.samples[0]!.questionEnds).toEqual([6, 14]);
  });

  it("predicts each answer token from the row before it", () => {
    expect(layoutSequence([turns], options).answers).toEqual({ rows: [6, 7, 14], ids: [21, 22, 23] });
  });

  it("gives the first grid to the only question end, as the released code does without labels", () => {
    const layout = layoutSequence([withImage(image, latent, text(11), latent, question(13))], options);

    expect(writtenBack(layout, 4)).toEqual(["- - 0.0 0.1 0.2 0.3 - - - - - -"]);
    expect(rowsOf(layout.feeds.question_rows!)).toEqual([[11]]);
  });
});

describe("a batch", () => {
  const layout = layoutSequence(
    [
      withImage(image, latent, question(11), answer(21), latent, question(12)),
      withoutImage(text(31), latent, question(32), answer(41)),
    ],
    options,
  );

  it("pads on the right with zero rows; text-only latents are zero rows that are still updated", () => {
    expect(picture(layout, options)).toEqual([
      "i0 i1 q0 q1 q2 q3 11 21 q0 q1 q2 q3 12",
      "31 · · · · 32 41 · · · · · ·",
    ]);
    expect(writtenBack(layout, 4)).toEqual([
      "- - 0.0 0.1 0.2 0.3 - - 1.0 1.1 1.2 1.3 -",
      "- 0.0 0.1 0.2 0.3 - - - - - - - -",
    ]);
  });

  it("leaves padding at its sample's last position", () => {
    const padded = layoutSequence([withoutImage(text(31), latent, question(32))], { ...options, bucket: 8 });

    expect(rowsOf(layout.feeds.position_ids!)[1]).toEqual([0, 1, 2, 3, 4, 5, 6, 6, 6, 6, 6, 6, 6]);
    expect(rowsOf(padded.feeds.position_ids!)).toEqual([[0, 1, 2, 3, 4, 5, 5, 5]]);
  });

  it("counts rows through the whole batch", () => {
    expect(rowsOf(layout.feeds.question_rows!)).toEqual([
      [6, 12],
      [13 + 5, 0],
    ]);
    expect(layout.answers).toEqual({ rows: [6, 13 + 5], ids: [21, 41] });
    expect(layout.samples.map(({ length }) => length)).toEqual([13, 7]);
  });
});

describe("truncation", () => {
  const sample = withImage(image, latent, question(11), answer(21), latent, question(12), answer(22));

  it.each([
    [14, "i0 i1 q0 q1 q2 q3 11 21 q0 q1 q2 q3 12 22", [6, 12], [21, 22]],
    [13, "i0 i1 q0 q1 q2 q3 11 21 q0 q1 q2 q3 12", [6, 12], [21]],
    [12, "i0 i1 q0 q1 q2 q3 11 21 q0 q1 q2 q3", [6], [21]],
    [10, "i0 i1 q0 q1 q2 q3 11 21 q0 q1", [6], [21]],
    [7, "i0 i1 q0 q1 q2 q3 11", [6], []],
    [4, "i0 i1 q0 q1", [], []],
  ])("at %i rows drops the questions that end past it, with their grids", (maxLength, drawn, questionEnds, answers) => {
    const layout = layoutSequence([sample], { ...options, maxLength });

    expect(picture(layout, options)).toEqual([drawn]);
    expect(layout.samples[0]!.questionEnds).toEqual(questionEnds);
    expect(layout.samples[0]!.latentStarts).toHaveLength(questionEnds.length);
    expect(layout.answers.ids).toEqual(answers);
  });
});

describe("a later turn", () => {
  const later: LayoutOptions = { imageRows: 0, latents: 4, firstPosition: 20 };

  it("goes on counting positions behind the cache", () => {
    const layout = layoutSequence([withImage(text(11), latent, question(12))], later);

    expect(picture(layout, later)).toEqual(["11 q0 q1 q2 q3 12"]);
    expect(rowsOf(layout.feeds.position_ids!)).toEqual([[20, 21, 22, 23, 24, 25]]);
  });

  it("cannot bring another image", () => {
    let thrown: unknown;
    try {
      layoutSequence([withImage(image, latent, question(12))], later);
    } catch (error) {
      thrown = error;
    }

    expect(FusionError.isInstance(thrown) && thrown.code).toBe("PROMPT_INVALID");
  });
});
