import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/index.ts", "src/node/index.ts", "src/node/patch-worker.ts"],
  format: ["esm"],
  target: "es2022",
  dts: false,
  sourcemap: true,
});
