import type { Shape } from "../grammar/index.ts";

/** Outlines in the square from -1 to 1; drawn even-odd, so that the second outline of the ring is its hole. */
const outlines: Record<Shape, string> = {
  circle: "M-1 0A1 1 0 1 1 1 0A1 1 0 1 1-1 0Z",
  square: "M-.9-.9H.9V.9H-.9Z",
  triangle: "M0-.95L1 .85H-1Z",
  // Five points on radius 1.05, five on 0.42.
  star: "M0-1L.247-.29L.999-.274L.399.18L.617.899L0 .47L-.617.899L-.399.18L-.999-.274L-.247-.29Z",
  heart: "M0 .95C-.5.55-1 .1-1-.4C-1-1-.25-1.1 0-.5C.25-1.1 1-1 1-.4C1 .1.5.55 0 .95Z",
  ring: "M-1 0A1 1 0 1 1 1 0A1 1 0 1 1-1 0ZM-.55 0A.55.55 0 1 0 .55 0A.55.55 0 1 0-.55 0Z",
  cross: "M-.32-1H.32V-.32H1V.32H.32V1H-.32V.32H-1V-.32H-.32Z",
  diamond: "M0-1L.72 0L0 1L-.72 0Z",
  arrow: "M-1-.26H.12V-.8L1 0L.12.8V.26H-1Z",
};

/** The shape around (0, 0), two units wide. */
export function shapeSvg(shape: Shape, fill: string): string {
  return `<path d="${outlines[shape]}" fill="${fill}" fill-rule="evenodd"/>`;
}
