export { checkSize, defaultSize, renderScene, sceneSvg, sizeLimits } from "./render-scene-node.ts";
