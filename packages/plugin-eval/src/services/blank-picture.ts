/**
 * A picture that shows nothing: a PNG of 64 × 64 pixels of middle grey (128), which towers that expect -1 … 1 see as 0.004.
 *
 * Pictures are stretched to the tower's square, so that its size makes no difference.
 */
export const blankPicture: Uint8Array = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAAAAACPAi4CAAAAKUlEQVR42u3MQREAAAwCIKMb3RD77SAA6VEEAoFAIBAIBAKBQCAQfA8G320AeXC6efoAAAAASUVORK5CYII=",
  "base64",
);
