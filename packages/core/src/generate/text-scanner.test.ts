import { describe, expect, it } from "vitest";
import { createRandom } from "../tensor/index.ts";
import { TextScanner } from "./text-scanner.ts";

/** What is emitted, in pieces, until a stop string is found. */
function scan(stops: string[], pieces: string[]): { emitted: string[]; stop?: string } {
  const scanner = new TextScanner(stops);
  const emitted: string[] = [];
  for (const piece of pieces) {
    const { text, stop } = scanner.push(piece);
    emitted.push(text);
    if (stop !== undefined) return { emitted, stop };
  }
  return { emitted: [...emitted, scanner.end()] };
}

describe("TextScanner", () => {
  it("passes text on at once when it cannot begin a stop string", () => {
    expect(scan(["END"], ["a bc", "d"])).toEqual({ emitted: ["a bc", "d", ""] });
  });

  it("holds back what may begin a stop string, and releases it when it does not", () => {
    expect(scan(["\n\nUser"], ["yes\n", "\nUs", "ual"])).toEqual({ emitted: ["yes", "", "\n\nUsual", ""] });
  });

  it("emits neither the stop string nor what follows", () => {
    expect(scan(["</s>"], ["Hel", "lo <", "/", "s> more"])).toEqual({ emitted: ["Hel", "lo ", "", ""], stop: "</s>" });
  });

  it("releases at the end what was no stop string", () => {
    expect(scan(["END"], ["the EN"])).toEqual({ emitted: ["the ", "EN"] });
  });

  it("holds back the longest possible beginning when the string overlaps itself", () => {
    expect(scan(["aab"], ["a", "a", "a", "b"])).toEqual({ emitted: ["", "", "a", ""], stop: "aab" });
  });

  it("takes the stop string that is complete first, the longest of those that end together", () => {
    expect(scan(["abcX", "bc"], ["abcX"])).toEqual({ emitted: ["a"], stop: "bc" });
    expect(scan(["bc", "abc"], ["zabc"])).toEqual({ emitted: ["z"], stop: "abc" });
  });

  it("gives the same text and the same stop however the text is cut", () => {
    const random = createRandom(5);
    const letters = (count: number) => Array.from({ length: count }, () => "ab\n"[Math.floor(random() * 3)]).join("");
    for (let round = 0; round < 500; round++) {
      const stops = Array.from({ length: 1 + Math.floor(random() * 3) }, () => letters(1 + Math.floor(random() * 5)));
      const text = letters(40);
      const pieces: string[] = [];
      for (let i = 0; i < text.length; ) {
        const length = Math.floor(random() * 6);
        pieces.push(text.slice(i, i + length));
        i += length;
      }

      const whole = scan(stops, [text]);
      const cut = scan(stops, pieces);

      expect({ ...cut, emitted: cut.emitted.join("") }).toEqual({ ...whole, emitted: whole.emitted.join("") });
      // The definition: the shortest beginning of the text that ends with a stop string.
      const end = [...text].findIndex((_, i) => stops.some((stop) => text.slice(0, i + 1).endsWith(stop)));
      if (end < 0) expect(whole).toEqual({ emitted: expect.any(Array) });
      else expect(whole.emitted.join("") + whole.stop).toBe(text.slice(0, end + 1));
    }
  });
});
