import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { chatTemplate, renderPrompt, type TemplateName } from "./chat-template.ts";

interface GoldenPrompt {
  template: "phi_3" | "llama_3" | "v1";
  image: boolean;
  turns: number;
  last_answer: "open" | "closed";
  questions: string[];
  answers: string[];
  prompt: string;
}

const golden: GoldenPrompt[] = JSON.parse(
  readFileSync(new URL("../../../../test/golden/prompts/prompts.json", import.meta.url), "utf8"),
);
const names: Record<GoldenPrompt["template"], TemplateName> = { phi_3: "phi_3", llama_3: "llama_3", v1: "vicuna_v1" };

/** The reference writes the image's slot into the question itself. */
const imageSlot = "<vision_start><image><vision_end>\n";

describe("chat templates", () => {
  it("are compared with 24 prompts of the reference", () => {
    expect(golden).toHaveLength(24);
  });

  it.each(golden)("$template: image $image, $turns turn(s), $last_answer, is the reference's prompt", (sample) => {
    const turns = sample.questions.map((question, i) => {
      const isOpen = i === sample.turns - 1 && sample.last_answer === "open";
      return { question: question.replace(imageSlot, ""), ...(!isOpen && { answer: sample.answers[i] }) };
    });

    const prompt = renderPrompt(chatTemplate(names[sample.template]), turns, { hasImage: sample.image });

    expect(prompt).toBe(sample.prompt);
  });

  it("takes another system text", () => {
    const prompt = renderPrompt(chatTemplate("phi_3"), [{ question: "Hi" }], { hasImage: false, system: "Be brief." });

    expect(prompt.startsWith("<|system|>\nBe brief.<|end|>\n<|user|>\n")).toBe(true);
  });

  it("refuses an unknown name and lists the known ones", () => {
    expect(() => chatTemplate("toString")).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: 'fusion_template: expected one of phi_3, llama_3, vicuna_v1, got "toString"',
      }),
    );
  });
});
