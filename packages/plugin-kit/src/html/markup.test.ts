import { expect, test } from "vitest";
import { escapeHtml, markup } from "./markup.ts";

test("values are escaped for text and for attributes", () => {
  const hostile = `<img src=x onerror="alert('1')">&\``;

  expect(markup`<p title="${hostile}">${hostile}</p>`.text).toBe(
    `<p title="${escapeHtml(hostile)}">${escapeHtml(hostile)}</p>`,
  );
  expect(escapeHtml(hostile)).toBe("&#60;img src=x onerror=&#34;alert(&#39;1&#39;)&#34;&#62;&#38;&#96;");
});

test("markup inside markup and lists stay as they are; undefined and false are nothing, zero is zero", () => {
  const items = [1, 2].map((item) => markup`<li>${item}</li>`);

  expect(markup`<ul>${items}${undefined}${false}${0}</ul>`.text).toBe("<ul><li>1</li><li>2</li>0</ul>");
});

test("control characters and marks that reorder text are dropped", () => {
  expect(escapeHtml("a\u0000b\u001b[2J\u202eexe.txt")).toBe("ab[2Jexe.txt");
});
