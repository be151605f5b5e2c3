import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/main.ts", "src/index.ts"],
  format: ["esm"],
  target: "es2022",
  dts: false,
  sourcemap: true,
  // chunks are named by their content: old ones must go, types stay for tsc
  clean: ["!**/*.d.ts", "!**/*.d.ts.map"],
});
