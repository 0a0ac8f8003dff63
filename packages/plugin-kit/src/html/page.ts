import { type CurvesSection, curvesSection } from "./curves-section.ts";
import { type FactsSection, factsSection } from "./facts-section.ts";
import { type Markup, markup } from "./markup.ts";
import { type NotesSection, notesSection } from "./notes-section.ts";
import { type SamplesSection, samplesSection } from "./samples-section.ts";
import { type ScoresSection, scoresSection } from "./scores-section.ts";
import { pageStyle } from "./style.ts";

/** A part of a page, under a heading of its own. */
export type Section = FactsSection | CurvesSection | ScoresSection | SamplesSection | NotesSection;

export interface HtmlPage {
  readonly title: string;
  /** One sentence under the title. */
  readonly summary?: string;
  readonly sections: readonly Section[];
  /** BCP 47; `en` when absent. */
  readonly language?: string;
}

const renderers: { readonly [Type in Section["type"]]: (section: Extract<Section, { type: Type }>) => Markup } = {
  facts: factsSection,
  curves: curvesSection,
  scores: scoresSection,
  samples: samplesSection,
  notes: notesSection,
};

/**
 * A page in one string: no scripts, and nothing loaded from anywhere, which its own content policy enforces.
 *
 * All text of the sections is data and is escaped.
 *
 * @throws OPTION_INVALID for a picture that browsers do not show, and for curves with nothing to draw
 */
export function htmlPage({ title, summary, sections, language = "en" }: HtmlPage): string {
  const page = markup`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
<h1>${title}</h1>
${summary !== undefined && markup`<p class="summary">${summary}</p>`}
</header>
<main>
${sections.map((section) => markup`<section>\n<h2>${section.heading}</h2>\n${renderSection(section)}\n</section>\n`)}
</main>
</body>
</html>
`;
  return page.text;
}

function renderSection<Type extends Section["type"]>(section: Extract<Section, { type: Type }>): Markup {
  const render: (section: Extract<Section, { type: Type }>) => Markup = renderers[section.type as Type];
  return render(section);
}
