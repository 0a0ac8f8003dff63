import { type Markup, markup } from "./markup.ts";
import { pictureUri } from "./picture-uri.ts";

/** A question, what should have been answered, and what was. */
export interface SampleQuestion {
  readonly question: string;
  readonly expected: string;
  readonly answer: string;
  readonly correct: boolean;
  readonly kind?: string;
  /** What the same model answers when it sees nothing. */
  readonly blankAnswer?: string;
}

/** A picture with its questions. */
export interface Sample {
  /** Bytes of a PNG, JPEG, WebP or GIF file; or why there is none to show. */
  readonly picture: Uint8Array | string;
  /** What the picture is called; `Picture 1` … when absent. */
  readonly name?: string;
  readonly questions: readonly SampleQuestion[];
}

/** A contact sheet. */
export interface SamplesSection {
  readonly type: "samples";
  readonly heading: string;
  readonly samples: readonly Sample[];
  readonly caption?: string;
}

export function samplesSection({ samples, caption }: SamplesSection): Markup {
  return markup`${caption !== undefined && markup`<p class="caption">${caption}</p>`}
<div class="sheet">
${samples.map((sample, index) => card(sample, `Picture ${index + 1}`))}
</div>`;
}

function card({ picture, name, questions }: Sample, counted: string): Markup {
  const shown =
    typeof picture === "string"
      ? markup`<p class="no-picture"><bdi>${name ?? counted}</bdi>: ${picture}</p>`
      : markup`<img src="${pictureUri(picture, name ?? counted)}" alt="${name ?? counted}">`;
  return markup`<article class="card">
${shown}
${questions.map(questionBlock)}
</article>
`;
}

function questionBlock({ question, expected, answer, correct, kind, blankAnswer }: SampleQuestion): Markup {
  const verdict = correct
    ? markup`<span class="verdict right">✓ right</span>`
    : markup`<span class="verdict wrong">✗ wrong</span>`;
  return markup`<div class="qa ${correct ? "right" : "wrong"}">
<p class="question"><bdi>${question}</bdi>${kind !== undefined && markup` <small class="kind">${kind}</small>`}</p>
<dl><div><dt>answer</dt><dd>${said(answer)} ${verdict}</dd></div><div><dt>expected</dt><dd><bdi>${expected}</bdi></dd></div>${
    blankAnswer !== undefined && markup`<div><dt>blank picture</dt><dd>${said(blankAnswer)}</dd></div>`
  }</dl>
</div>`;
}

function said(answer: string): Markup {
  return answer.trim() === "" ? markup`<i>nothing</i>` : markup`<bdi>${answer}</bdi>`;
}
