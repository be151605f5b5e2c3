import { join } from "node:path";
import { expectSameTraining } from "@plseg/conformance/expect-same-training";
import { smallTraining, type Trained } from "@plseg/conformance/small-training";
import { createEngine } from "@plseg/runtime";
import * as ort from "onnxruntime-node";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { INSECURE_HOST, openBrowser } from "./open-browser.js";
import { openPage, type TestPage } from "./open-page.js";
import type { EngineChoice } from "./page/page-tasks.js";
import { buildSite, type Site } from "./site.js";
import { whyNoBrowser } from "./why-no-browser.js";
import { writeSmallBundle } from "./write-small-bundle.js";

const wasm = { build: "onnxruntime-web/wasm", device: "wasm" } as const satisfies EngineChoice;
/** A training that is over soon. */
const small = { features: [2, 2], steps: 2 };
const missing = whyNoBrowser();

describe.skipIf(missing !== undefined)("in a browser without WebGPU", () => {
  let site: Site;
  let browser: Browser;
  let expectedLabels: ArrayLike<number>;
  let trainedInNode: Trained;
  let plain: URL;
  let isolated: URL;

  beforeAll(async () => {
    site = await buildSite();
    [plain, isolated] = [await site.serve({ isolated: false }), await site.serve({ isolated: true })];
    expectedLabels = await writeSmallBundle(join(site.folder, "bundle"));
    trainedInNode = await smallTraining(createEngine({ ort, threads: 1 }));
    browser = await openBrowser({ webgpu: false });
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  describe.each([
    ["one thread", 1],
    ["two threads", 2],
  ])("the device wasm on %s", (_, threads) => {
    const engine = { ...wasm, threads };
    let page: TestPage;

    beforeAll(async () => {
      page = await openPage(browser, threads === 1 ? plain : isolated);
    });
    afterAll(() => page?.close());

    test("trains as ONNX Runtime does in Node", async () => {
      const actual = await page.run("train", { engine });
      expect(actual.records).toHaveLength(3);
      expectSameTraining(actual, trainedInNode);
      expect({ threads: actual.threads, workers: page.workers() }).toEqual({ threads, workers: threads - 1 });
    });

    test("segments as in Node, to the voxel", async () => {
      const { labels, windows } = await page.run("segment", { engine, url: "bundle" });
      expect(windows).toBeGreaterThan(1);
      expect(labels).toEqual(expectedLabels);
    });
  });

  describe("the device wasm", () => {
    let page: TestPage;

    beforeAll(async () => {
      page = await openPage(browser, plain);
    });
    afterAll(() => page?.close());

    test("has one thread where the page is not isolated, whatever is asked for", async () => {
      const { records, threads } = await page.run("train", { engine: { ...wasm, threads: 2 }, ...small });
      expect({ steps: records.length, threads, workers: page.workers() }).toEqual({ steps: 2, threads: 1, workers: 0 });
    });

    test("is what the device cpu is", async () => {
      expect(await page.run("placeOfLargest", { ...wasm, device: "cpu" })).toBe(1);
    });

    test("runs two engines side by side", async () => {
      // after k steps the sum is 2 (k + k · index + (0 + … + (k − 1))); the states are 2 (3, 3 · index, 0 + 1 + 2)
      expect(await page.run("runSideBySide", wasm)).toEqual([
        [2, 6, 12, 6, 0, 6],
        [4, 10, 18, 6, 6, 6],
      ]);
    });

    test("stops between two steps, and between two windows", async () => {
      const { records, state } = await page.run("train", { engine: wasm, ...small, stopAfter: 1 });
      expect({ steps: records.length, reached: state.step }).toEqual({ steps: 1, reached: 1 });
      const { windows, stopped } = await page.run("segment", { engine: wasm, url: "bundle", stopAfter: 2 });
      expect({ windows, stopped }).toEqual({ windows: 2, stopped: "AbortError" });
    });

    test("frees what is disposed: the memory stops growing", async () => {
      const bytes = await page.run("measureMemory", wasm);
      expect(bytes[0]).toBeGreaterThan(0);
      expect(bytes.at(-1)).toBe(bytes[3]);
    });
  });

  test("WebGPU without an adapter is an error that says so", async () => {
    const page = await openPage(browser, plain);
    const engine = { build: "onnxruntime-web/webgpu", device: "webgpu" } as const;
    await expect(page.run("placeOfLargest", engine)).rejects.toThrow("this browser has WebGPU but no adapter");
    await page.close();
  });

  test("a page that the browser does not trust has neither WebGPU nor Web Crypto, and is told so", async () => {
    const page = await openPage(browser, new URL(plain.href.replace(plain.hostname, INSECURE_HOST)));
    const engine = { build: "onnxruntime-web/webgpu", device: "webgpu" } as const;
    await expect(page.run("placeOfLargest", engine)).rejects.toThrow(
      "this browser has no WebGPU here. It needs a page served by",
    );
    await expect(page.run("segment", { engine: wasm, url: "bundle" })).rejects.toThrow("this page has no Web Crypto");
    await page.close();
  });

  test("the engine tfjs trains on the backend that the page has set, and keeps nothing", async () => {
    const page = await openPage(browser, plain);
    const actual = await page.run("trainEagerly", small);
    expectSameTraining(actual, await smallTraining(createEngine({ ort, threads: 1 }), small));
    expect(actual.leaked).toBe(0);
    await page.close();
  });
});
