import { defineConfig } from "vitest/config";

export default defineConfig({
  // Packages of the workspace are read from their source, except tf-gradients, which must be built.
  resolve: { conditions: ["@plseg/source"] },
  ssr: { resolve: { conditions: ["@plseg/source"] } },
  test: {
    include: ["packages/**/src/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    silent: "passed-only",
    // Worker threads run from source too.
    execArgv: ["--import", new URL("scripts/typescript-in-workers.mjs", import.meta.url).href],
    // A whole training step on the plain CPU backend takes a while on a busy machine of two cores.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
