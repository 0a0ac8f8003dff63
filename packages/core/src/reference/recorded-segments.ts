import type { Segment } from "../text/index.ts";

/** Sentinels of the reference implementation; they exist in recorded files only. */
export const imagePlaceholder = -200;
export const latentPlaceholder = -300;
export const ignoredLabel = -100;
export const questionEnd = -400;

/**
 * Segments of one recorded row of ids.
 *
 * The first placeholder takes the image tokens and every later one latents, whatever its name; a row without an image
 * placeholder is text-only and has latents alone.
 *
 * @param labels - −100 ignored, −400 end of a question, else the answer token; absent: the last token ends the question
 */
export function recordedSegments(ids: readonly number[], labels?: readonly number[]): Segment[] {
  const segments: Segment[] = [];
  const hasImage = ids.includes(imagePlaceholder);
  let run: { ids: number[]; supervised: boolean } | undefined;
  const close = (endsQuestion: boolean) => {
    if (run) segments.push({ kind: "text", ...run, endsQuestion });
    run = undefined;
  };
  ids.forEach((id, index) => {
    if (id === imagePlaceholder || id === latentPlaceholder) {
      close(false);
      const isFirst = !segments.some(({ kind }) => kind !== "text");
      segments.push({ kind: hasImage && isFirst ? "image" : "latent" });
      return;
    }
    const supervised = (labels?.[index] ?? ignoredLabel) >= 0;
    if (run && run.supervised !== supervised) close(false);
    run ??= { ids: [], supervised };
    run.ids.push(id);
    if (labels ? labels[index] === questionEnd : index === ids.length - 1) close(true);
  });
  close(false);
  return segments;
}
