import { parentPort } from "node:worker_threads";
import { encodeError, type WireError } from "../errors/index.ts";
import { type PreparedImage, type PrepareOptions, prepareImage } from "./prepare-image-node.ts";

/** The entry of the thread that pictures are prepared in; picture-preparer-node.ts speaks to it. */
export interface PictureRequest {
  readonly id: number;
  readonly source: string | Uint8Array;
  readonly options: PrepareOptions;
}

export type PictureReply =
  | { readonly id: number; readonly image: PreparedImage }
  | { readonly id: number; readonly error: WireError };

const port = parentPort!;
/** One picture at a time: decoded ones may take hundreds of megabytes each. */
let last: Promise<void> = Promise.resolve();

port.on("message", (request: PictureRequest | "end") => {
  last = last.then(() => (request === "end" ? port.close() : answer(request)));
});

async function answer({ id, source, options }: PictureRequest): Promise<void> {
  try {
    const image = await prepareImage(source, options);
    const arrays = [image.wholeImage, image.subImages].map(({ data }) => data.buffer as ArrayBuffer);
    port.postMessage({ id, image } satisfies PictureReply, arrays);
  } catch (error) {
    port.postMessage({ id, error: encodeError(error, "picture worker") } satisfies PictureReply);
  }
}
