import { describe, expect, it } from "vitest";
import { decodeError, encodeError, FusionError } from "./index.ts";

const roundTrip = (error: unknown) => decodeError(structuredClone(encodeError(error, "some worker")));

describe("an error that crosses threads", () => {
  it("keeps everything a FusionError says", () => {
    const cause = new Error("the disk is gone");
    const error = new FusionError({
      code: "IMAGE_INVALID",
      at: "cat.jpg",
      expected: "a picture",
      actual: "a poem",
      hint: "Take a photo.",
      details: { bytes: 7 },
      cause,
    });

    const crossed = roundTrip(error);

    expect(FusionError.isInstance(crossed)).toBe(true);
    const { code, at, message, hint, details } = error;
    expect(crossed).toMatchObject({ code, at, message, hint, details });
    expect((crossed.cause as Error).message).toBe("the disk is gone");
  });

  it("becomes INTERNAL and names the thread when it is none of ours", () => {
    expect(roundTrip(new TypeError("x is not a function"))).toMatchObject({
      code: "INTERNAL",
      message: "internal: some worker: x is not a function",
    });
  });
});
