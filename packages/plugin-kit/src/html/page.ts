import { type ChartsSection, type CurvesSection, chartsSection, curvesSection } from "./curves-section.ts";
import { type FactsSection, factsSection } from "./facts-section.ts";
import { liveScript, liveScriptHash } from "./live-script.ts";
import { Markup, markup } from "./markup.ts";
import { type NotesSection, notesSection } from "./notes-section.ts";
import { type SamplesSection, samplesSection } from "./samples-section.ts";
import { type ScoresSection, scoresSection } from "./scores-section.ts";
import { pageStyle } from "./style.ts";
import { type TableSection, tableSection } from "./table-section.ts";

/** A part of a page, under a heading of its own. */
export type Section =
  | FactsSection
  | TableSection
  | CurvesSection
  | ChartsSection
  | ScoresSection
  | SamplesSection
  | NotesSection;

export interface HtmlPage {
  readonly title: string;
  /** One or two sentences under the title. */
  readonly summary?: string;
  /** A bar under the summary. */
  readonly progress?: { readonly label: string; readonly share: number };
  readonly sections: readonly Section[];
  /** BCP 47; `en` when absent. */
  readonly language?: string;
  /** Seconds between two looks at a page that is being rewritten; a page without this stays as it is. */
  readonly refresh?: number;
}

const renderers: { readonly [Type in Section["type"]]: (section: Extract<Section, { type: Type }>) => Markup } = {
  facts: factsSection,
  table: tableSection,
  curves: curvesSection,
  charts: chartsSection,
  scores: scoresSection,
  samples: samplesSection,
  notes: notesSection,
};

/**
 * A page in one string: nothing is loaded from anywhere, which its own content policy enforces.
 *
 * All text of the sections is data and is escaped. There are no scripts but, in a page with `refresh`, the one that looks for
 * its next version; where scripts are off, the browser loads that page again by itself.
 *
 * @throws OPTION_INVALID for a picture that browsers do not show, and for curves with nothing to draw
 */
export function htmlPage({ title, summary, progress, sections, language = "en", refresh }: HtmlPage): string {
  const isLive = refresh !== undefined;
  const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
  const livePolicy = `${policy}; script-src '${liveScriptHash}'; connect-src 'self'`;
  const page = markup`<!doctype html>
<html lang="${language}"${isLive && markup` data-refresh="${refresh}"`}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Markup(isLive ? livePolicy : policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${isLive && markup`<noscript><meta http-equiv="refresh" content="${refresh}"></noscript>\n`}<title>${title}</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
<h1>${title}</h1>
${summary !== undefined && markup`<p class="summary">${summary}</p>`}
${progress && markup`<progress max="1" value="${roundedShare(progress.share)}" aria-label="${progress.label}"></progress>`}
</header>
${isLive && markup`<p class="live">This page renews itself every ${refresh} seconds. <button type="button" id="pause" hidden>Pause updates</button></p>\n`}<main>
${sections.map((section) => markup`<section>\n<h2>${section.heading}</h2>\n${renderSection(section)}\n</section>\n`)}
</main>
${isLive && markup`<script>${liveScript}</script>\n`}</body>
</html>
`;
  return page.text;
}

function renderSection<Type extends Section["type"]>(section: Extract<Section, { type: Type }>): Markup {
  const render: (section: Extract<Section, { type: Type }>) => Markup = renderers[section.type as Type];
  return render(section);
}

function roundedShare(share: number): number {
  return Number.isFinite(share) ? Math.round(1000 * Math.min(1, Math.max(0, share))) / 1000 : 0;
}
