import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["@plseg/source"] },
  ssr: { resolve: { conditions: ["@plseg/source"] } },
  test: { include: ["packages/**/src/**/*.test.ts"], exclude: ["**/node_modules/**", "**/dist/**"] },
});
