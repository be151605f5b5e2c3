import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { build, type PreviewServer, preview } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBrowser } from "./open-browser.js";
import { type Watch, watchPage } from "./watch-page.js";
import { whyNoBrowser } from "./why-no-browser.js";

/** The example, with the packages as they are published. */
const root = dirname(fileURLToPath(import.meta.resolve("@plseg/example-browser-engine/package.json")));

const missing = whyNoBrowser();

describe.skipIf(missing !== undefined)("the example browser-engine", () => {
  let outDir: string;
  let server: PreviewServer;
  let browser: Browser;
  let page: Page;
  let watch: Watch;
  const status = () => page.getByRole("status");
  const start = async (steps: number): Promise<void> => {
    await page.getByLabel("Steps").fill(String(steps));
    await page.getByRole("button", { name: "Start" }).click();
  };
  const says = (pattern: RegExp) =>
    watch(`waiting for ${pattern}`, status().filter({ hasText: pattern }).waitFor({ timeout: 0 }));

  beforeAll(async () => {
    outDir = await mkdtemp(join(tmpdir(), "plseg-example-"));
    await build({ root, logLevel: "error", build: { outDir, emptyOutDir: true } });
    server = await preview({ root, logLevel: "error", build: { outDir }, preview: { host: "127.0.0.1", port: 0 } });
    browser = await openBrowser({ webgpu: false });
    page = await browser.newPage();
    watch = watchPage(page);
    await page.goto(server.resolvedUrls?.local[0] ?? "");
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await rm(outDir, { recursive: true, force: true });
  });

  test("trains in a worker on two threads, and segments", async () => {
    await start(3);
    await says(/^(done|failed): /);
    const text = (await status().textContent()) ?? "";
    expect(text).toMatch(/^done: 3 steps, compiled \(wasm\), threads: 2, loss \d+\.\d+, voxels of organs: \d+$/);
    expect(Number(text.split(" ").at(-1))).toBeGreaterThan(0);
  });

  test("stops when asked, and segments with what it has", async () => {
    await start(1000);
    await says(/^(step|failed)/);
    await page.getByRole("button", { name: "Stop" }).click();
    await says(/^(done|failed): /);
    expect(await status().textContent()).toMatch(/^done: \d{1,3} steps, /);
  });

  test("says what is wrong where there is no WebGPU", async () => {
    await page.getByLabel("Device").selectOption("webgpu");
    await start(1);
    await says(/^(done|failed): /);
    expect(await status().textContent()).toContain("this browser has WebGPU but no adapter");
  });
});
