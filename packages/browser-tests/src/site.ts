import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, preview } from "vite";

/** The test page as a website. */
export interface Site {
  /** Where its files are, to add some. */
  readonly folder: string;
  /** Serves them and gives the address. Pages that are isolated may have threads. */
  serve(options: { readonly isolated: boolean }): Promise<URL>;
  /** Stops serving and removes the files. */
  close(): Promise<void>;
}

const root = fileURLToPath(new URL("page", import.meta.url));

const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** Bundles the test page from the packages' main entries. */
export async function buildSite(): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), "plseg-site-"));
  const servers: { close(): Promise<void> }[] = [];
  await build({
    root,
    configFile: false,
    logLevel: "error",
    resolve: { conditions: ["@plseg/source", "module", "browser", "production"] },
    build: { outDir: folder, emptyOutDir: true, target: "esnext", minify: false, chunkSizeWarningLimit: 10_000 },
  });
  return {
    folder,
    async serve({ isolated }) {
      const server = await preview({
        root,
        configFile: false,
        logLevel: "error",
        build: { outDir: folder },
        preview: { host: "127.0.0.1", port: 0, allowedHosts: true, headers: isolated ? ISOLATION : {} },
      });
      servers.push(server);
      const [address] = server.resolvedUrls?.local ?? [];
      return new URL(address ?? "");
    },
    async close() {
      await Promise.all(servers.map((server) => server.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
