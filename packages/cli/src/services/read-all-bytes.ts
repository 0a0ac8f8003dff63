/** More than core takes for a picture, so that its own message about the limit comes. */
const mostBytes = 100 * 2 ** 20 + 1;

/** All bytes of a stream, up to a little more than a picture may have: an endless one ends there. */
export async function readAllBytes(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= mostBytes) break;
  }
  return Buffer.concat(chunks);
}
