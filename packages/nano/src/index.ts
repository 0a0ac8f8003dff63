import { fileURLToPath } from "node:url";

/** The folder of the model, as `loadFusion` takes it. */
export const modelFolder = fileURLToPath(new URL("../model", import.meta.url));
