import { createHash } from "node:crypto";
import { Markup } from "./markup.ts";

/**
 * The script of a page that is being rewritten: it puts the new contents in the place of the old ones.
 *
 * Over http it fetches the page and exchanges header and main, so nothing flickers or moves; from a file, which a script may not
 * fetch, it loads the page again. What is unfolded stays so either way. It ends with a page that is not live any more.
 */
export const liveScript = new Markup(`
"use strict";
const period = 1000 * document.documentElement.dataset.refresh;
const button = document.querySelector("#pause");
let paused = false;
button.hidden = false;
button.addEventListener("click", () => {
  paused = !paused;
  button.textContent = paused ? "Resume updates" : "Pause updates";
});
const nameOf = (details) => (details.closest("figure:has(h3)") ?? details.closest("section")).querySelector("h2, h3").textContent;
const unfolded = () => [...document.querySelectorAll("details[open]")].map(nameOf);
const unfold = (names) => {
  for (const details of document.querySelectorAll("details")) details.open = names.includes(nameOf(details));
};
if (history.state?.unfolded) unfold(history.state.unfolded);
const update = async () => {
  if (paused || document.hidden) return;
  if (!location.protocol.startsWith("http")) {
    history.replaceState({ unfolded: unfolded() }, "");
    location.reload();
    return;
  }
  const answer = await fetch(location.href, { cache: "no-store" });
  if (!answer.ok) return;
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!next.querySelector("main")) return;
  const names = unfolded();
  const focus = [...document.querySelectorAll("summary")].indexOf(document.activeElement);
  for (const part of ["header", "main"]) {
    document.querySelector(part).replaceWith(document.adoptNode(next.querySelector(part)));
  }
  unfold(names);
  document.querySelectorAll("summary")[focus]?.focus({ preventScroll: true });
  document.title = next.title;
  if (next.documentElement.dataset.refresh) return;
  clearInterval(timer);
  document.querySelector(".live").remove();
};
const timer = setInterval(() => update().catch(() => undefined), period);
`);

/** What a content policy calls this script, and no other. */
export const liveScriptHash = `sha256-${createHash("sha256").update(liveScript.text).digest("base64")}`;
