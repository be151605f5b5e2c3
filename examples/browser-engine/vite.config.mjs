import { defineConfig } from "vite";

/** With these the page is cross-origin isolated, without which it may have one thread only. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default defineConfig({
  build: { target: "esnext", chunkSizeWarningLimit: 4000 },
  worker: { format: "es" }, // a worker that imports
  optimizeDeps: { exclude: ["onnxruntime-web"] }, // in development it would not find its .wasm
  server: { headers },
  preview: { headers },
});
