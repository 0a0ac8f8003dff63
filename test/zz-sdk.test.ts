import { test } from "vitest";
import { loadFusion } from "../packages/core/src/index.ts";
test("sdk", async () => {
  const model = await loadFusion("nano", { worker: false });
  console.log({ ...model.info, config: undefined });
  const image = "/work/shared/photos/866_newyork_729.jpeg";
  const a = await model.ask({ image, question: "What is in the picture?", maxTokens: 12 });
  console.log(a);
  const chat = model.chat({ image });
  console.log(await chat.send("What is in the picture?", { maxTokens: 12 }));
  console.log(await chat.send("And what colour is it?", { maxTokens: 12 }));
  const re = model.chat({ image, reencode: true });
  await re.send("What is in the picture?", { maxTokens: 12 });
  console.log(await re.send("And what colour is it?", { maxTokens: 12 }));
  console.log(await model.ask({ question: "Hello?", maxTokens: 5, temperature: 1, seed: 3 }));
  await model.dispose();
}, 100000);
