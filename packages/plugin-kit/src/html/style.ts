import { Markup } from "./markup.ts";

/** The look of every page: one column of readable width, light and dark by the reader's setting, black on white on paper. */
export const pageStyle = new Markup(`
:root {
  color-scheme: light dark;
  --page: #fff; --card: #f6f7f9; --text: #1a1d21; --faint: #5a6370; --line: #d6dae0;
  --right: #11703a; --wrong: #b3261e;
  --s0: #0b63c5; --s1: #b4540a; --s2: #11703a; --s3: #8a2da8; --s4: #6a5d00; --s5: #b3261e; --b1: #9aa3af;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --card: #1e2226; --text: #e7eaee; --faint: #a3adb8; --line: #3a4048;
    --right: #5fd08f; --wrong: #ff8a80;
    --s0: #6db3ff; --s1: #ffa657; --s2: #5fd08f; --s3: #d59bf0; --s4: #e0cf55; --s5: #ff8a80; --b1: #78828e;
  }
}
@media print {
  :root {
    --page: #fff; --card: #fff; --text: #000; --faint: #444; --line: #bbb; --right: #11703a; --wrong: #b3261e;
    --s0: #0b63c5; --s1: #b4540a; --s2: #11703a; --s3: #8a2da8; --s4: #6a5d00; --s5: #b3261e; --b1: #9aa3af;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 64rem; padding: 1.5rem clamp(1rem, 4vw, 2.5rem) 3rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; print-color-adjust: exact; -webkit-print-color-adjust: exact;
}
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; }
p { margin: 0 0 .75rem; max-width: 46rem; }
.summary { font-size: 1.1rem; color: var(--faint); }
.caption, figcaption { font-size: .875rem; color: var(--faint); max-width: none; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(13rem, 45%), 1fr)); gap: .75rem 1.5rem; margin: 0; }
.facts dt { font-size: .875rem; color: var(--faint); }
.facts dd { margin: 0; font-weight: 600; }
.chart { margin: 0; min-width: 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(22rem, 100%), 1fr)); gap: 2rem; }
.charts + .caption { margin: 1rem 0 0; }
.charts .plot { height: clamp(11rem, 22vw, 15rem); }
h3 { font-size: 1rem; margin: 0 0 .25rem; }
progress { width: 100%; height: .6rem; accent-color: var(--s0); }
.live { font-size: .875rem; color: var(--faint); margin: .5rem 0 0; max-width: none; }
.live button { font: inherit; color: var(--text); background: var(--card); border: 1px solid var(--line); border-radius: 4px; padding: .15rem .6rem; cursor: pointer; }
.plot { position: relative; height: clamp(15rem, 40vw, 24rem); margin: 0 .75rem 1.75rem 3.25rem; border: solid var(--line); border-width: 0 0 1px 1px; }
.plot > svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: hidden; }
.plot > svg.over { overflow: visible; }
.grid { stroke: var(--line); stroke-width: 1; fill: none; vector-effect: non-scaling-stroke; }
.mark { stroke: var(--faint); stroke-width: 1; stroke-dasharray: 2 3; fill: none; vector-effect: non-scaling-stroke; }
.curve { fill: none; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.curve.raw { stroke-width: 1; opacity: .28; }
.series-0 { stroke: var(--s0); }
.series-1 { stroke: var(--s1); }
.series-2 { stroke: var(--s2); }
.series-3 { stroke: var(--s3); }
.series-4 { stroke: var(--s4); }
.series-5 { stroke: var(--s5); }
.smooth.series-1 { stroke-dasharray: 8 4; }
.smooth.series-2 { stroke-dasharray: 2 4; }
.smooth.series-3 { stroke-dasharray: 10 4 2 4; }
.smooth.series-4 { stroke-dasharray: 14 5; }
.smooth.series-5 { stroke-dasharray: 5 3 2 3 2 3; }
.tick, .mark-name { position: absolute; font-size: .8rem; line-height: 1; color: var(--faint); white-space: nowrap; font-variant-numeric: tabular-nums; }
.tick.y { right: calc(100% + .4rem); transform: translateY(50%); }
.tick.x { top: calc(100% + .4rem); transform: translateX(-50%); }
.mark-name { padding-bottom: .25rem; }
.mark-name.left { border-left: 1px dotted var(--faint); padding-left: .3rem; }
.mark-name.right { border-right: 1px dotted var(--faint); padding-right: .3rem; }
.dots { fill: none; stroke-width: 6; stroke-linecap: round; vector-effect: non-scaling-stroke; }
.ring { fill: none; stroke-width: 15; stroke-linecap: round; vector-effect: non-scaling-stroke; }
.ring-hole { fill: none; stroke: var(--page); stroke-width: 11; stroke-linecap: round; vector-effect: non-scaling-stroke; }
.pin { fill: none; vector-effect: non-scaling-stroke; }
.pin.dot { stroke: var(--text); stroke-width: 7; stroke-linecap: round; }
.pin.tick { stroke: var(--wrong); stroke-width: 3; }
.highlight { white-space: nowrap; }
.axis-name { font-size: .875rem; color: var(--faint); margin: 0 0 .6rem; }
.axis-name.below { text-align: center; max-width: none; margin: -.25rem .75rem .5rem 3.25rem; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; margin: 0 0 .5rem; padding: 0; font-size: .9rem; font-weight: 400; }
svg.swatch { width: 2rem; height: .5rem; margin-right: .4rem; }
svg.pin-swatch { width: 1rem; }
i.swatch { display: inline-block; width: .8rem; height: .8rem; margin-right: .4rem; border-radius: 2px; vertical-align: -.05em; }
.bar-0 { background: var(--s0); }
.bar-1 { background: var(--b1); }
.bar-2 { background: repeating-linear-gradient(135deg, var(--s1) 0 3px, var(--page) 3px 6px); }
.bar-3 { background: var(--s3); }
.bar-4 { background: var(--s4); }
.bar-5 { background: var(--s5); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .75rem .35rem 0; text-align: left; vertical-align: top; }
thead th { font-size: .875rem; font-weight: 400; color: var(--faint); vertical-align: bottom; white-space: nowrap; }
tbody th { font-weight: 600; }
th.number, td.number { text-align: right; }
tbody tr { border-top: 1px solid var(--line); }
.wide { overflow-x: auto; }
.listing tbody th { min-width: 9rem; }
.listing td { min-width: 4.5rem; }
details { margin-top: .5rem; font-size: .9rem; }
summary { cursor: pointer; color: var(--faint); }
.scores { width: 100%; }
.scores td:last-child, .scores th:last-child { width: 70%; padding-right: 0; }
.scores .legend { margin: 0; color: var(--text); }
.scores .unit { display: none; }
.emphasis { background: var(--card); }
.bar-line { display: flex; align-items: center; gap: .75rem; margin: .15rem 0; font-size: .9rem; line-height: 1.3; max-width: none; }
.bar-line > span { flex: none; width: 9.5rem; }
.bar-line small, .kind { color: var(--faint); }
.bar { position: relative; flex: 1; height: .85rem; background: var(--card); border: 1px solid var(--line); border-radius: 3px; }
.emphasis .bar { background: var(--page); }
.fill { height: 100%; border-radius: 2px; }
.whisker { position: absolute; top: 50%; height: .5rem; transform: translateY(-50%); border: solid var(--text); border-width: 0 1.5px; }
.whisker::before { content: ""; position: absolute; inset: calc(50% - .75px) 0 auto; height: 1.5px; background: var(--text); }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(15rem, 100%), 1fr)); gap: 1rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; break-inside: avoid; }
.card img { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; background: var(--page); }
.no-picture { display: grid; place-content: center; aspect-ratio: 1; margin: 0; padding: 1rem; text-align: center; color: var(--faint); background: var(--page); }
.qa { padding: .6rem .8rem .6rem .65rem; border-left: .25rem solid var(--right); border-top: 1px solid var(--line); font-size: .9rem; line-height: 1.4; }
.qa.wrong { border-left: .25rem double var(--wrong); }
.question { margin: 0 0 .25rem; font-weight: 600; }
.kind { font-weight: 400; }
.qa dl { margin: 0; }
.qa dl div { display: flex; gap: .5rem; }
.qa dt { flex: none; width: 6.2rem; color: var(--faint); }
.qa dd { margin: 0; }
.verdict { white-space: nowrap; font-weight: 600; margin-left: .35rem; }
.verdict.right { color: var(--right); }
.verdict.wrong { color: var(--wrong); }
@media (max-width: 40rem) {
  .plot, .axis-name.below { margin-left: 2.75rem; }
  .scores, .scores tbody, .scores tr, .scores td, .scores tbody th { display: block; }
  .scores thead, .scores thead tr, .scores thead th:last-child { display: block; width: auto; }
  .scores thead th:not(:last-child) { display: none; }
  .scores td:last-child { width: auto; }
  .scores tbody th { display: inline-block; padding-bottom: 0; }
  .scores .count { display: inline-block; color: var(--faint); font-size: .875rem; padding-bottom: 0; }
  .scores .unit { display: inline; }
  .emphasis { padding: 0 .5rem; }
  .card img, .no-picture { max-height: 16rem; }
  .bar-line { gap: .5rem; }
  .bar-line > span { width: 8.6rem; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  .plot { height: 7cm; }
  .sheet { grid-template-columns: repeat(3, 1fr); gap: .5rem; }
  .card { break-inside: auto; box-decoration-break: clone; }
  .card img { height: 4.5cm; aspect-ratio: auto; }
  .qa { font-size: 8.5pt; padding: .3rem .4rem; }
  .qa dt { width: 5.4rem; }
  details:not([open]), section:has(> h2 + details:not([open])), .live { display: none; }
  .charts { grid-template-columns: repeat(2, 1fr); }
  .charts .plot { height: 4.5cm; }
  figure, tr, .scores, .card img, .qa { break-inside: avoid; }
  h2, .caption:has(+ .sheet) { break-after: avoid; }
}
`);
