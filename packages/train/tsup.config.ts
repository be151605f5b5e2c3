import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/index.ts", "src/names.ts", "src/node/index.ts"],
  format: ["esm"],
  target: "es2022",
  dts: false,
  sourcemap: true,
});
