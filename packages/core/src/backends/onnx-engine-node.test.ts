import { backendCases } from "./backend.case.ts";
import { nodeBackend } from "./node-backend-node.ts";

backendCases("cpu in the calling thread", () => nodeBackend({ device: "cpu", worker: false, threads: 2 }));
