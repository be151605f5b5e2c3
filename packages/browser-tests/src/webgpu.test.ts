import { join } from "node:path";
import { expectSameTraining } from "@plseg/conformance/expect-same-training";
import { smallTraining } from "@plseg/conformance/small-training";
import { createEngine } from "@plseg/runtime";
import * as ort from "onnxruntime-node";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBrowser } from "./open-browser.js";
import { openPage, type TestPage } from "./open-page.js";
import type { EngineChoice } from "./page/page-tasks.js";
import { buildSite, type Site } from "./site.js";
import { whyNoBrowser } from "./why-no-browser.js";
import { writeSmallBundle } from "./write-small-bundle.js";

const webgpu = {
  build: "onnxruntime-web/webgpu",
  device: "webgpu",
  allowSoftwareAdapter: true,
} as const satisfies EngineChoice;

const missing = whyNoBrowser();

describe.skipIf(missing !== undefined)("WebGPU in a browser, on its software adapter", () => {
  let site: Site;
  let browser: Browser;
  let page: TestPage;
  let url: URL;
  let expectedLabels: ArrayLike<number>;

  beforeAll(async () => {
    site = await buildSite();
    expectedLabels = await writeSmallBundle(join(site.folder, "bundle"), true);
    browser = await openBrowser({ webgpu: true });
    url = await site.serve({ isolated: false });
    page = await openPage(browser, url);
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  test("a training does what it does in Node, keeps its state on the device, and frees all of it", async () => {
    // few features: what takes the time here is to compile the shaders
    const options = { features: [4, 8], steps: 3 };
    const actual = await page.run("train", { engine: webgpu, ...options });
    expect(actual.records).toHaveLength(3);
    expectSameTraining(actual, await smallTraining(createEngine({ ort, threads: 1 }), options));

    const state = Object.keys(actual.state.tensors);
    const steps = actual.locations.slice(-3);
    for (const step of steps) {
      const onDevice = Object.keys(step).filter((name) => step[name] === "gpu-buffer");
      expect(onDevice.sort()).toEqual([...state].sort());
    }
    expect(actual.gpuBuffers.most).toBeGreaterThan(state.length);
    expect(actual.gpuBuffers.held).toBe(0);
  });

  test("segments as in Node, but for voxels where two classes are as likely", async () => {
    const { labels } = await page.run("segment", { engine: webgpu, url: "bundle" });
    let same = 0;
    for (let i = 0; i < expectedLabels.length; i++) if (labels[i] === expectedLabels[i]) same++;
    expect(labels).toHaveLength(expectedLabels.length);
    expect(same / expectedLabels.length).toBeGreaterThan(0.999);
  });

  test("runs two engines side by side, whose calls overlap", async () => {
    expect(await page.run("runSideBySide", webgpu)).toEqual([
      [2, 6, 12, 6, 0, 6],
      [4, 10, 18, 6, 6, 6],
    ]);
  });

  test("stops between two windows", async () => {
    const { windows, stopped } = await page.run("segment", { engine: webgpu, url: "bundle", stopAfter: 2 });
    expect({ windows, stopped }).toEqual({ windows: 2, stopped: "AbortError" });
  });

  test("runs nothing on the CPU unless that is allowed", async () => {
    await expect(page.run("placeOfLargest", webgpu)).rejects.toThrow("An operation of it is missing on WebGPU.");
    expect(await page.run("placeOfLargest", { ...webgpu, allowCpuFallback: true })).toBe(1);
  });

  test("takes no software adapter unless that is allowed", async () => {
    const refused = page.run("runSideBySide", { ...webgpu, allowSoftwareAdapter: false });
    await expect(refused).rejects.toThrow("the only WebGPU adapter is one in software (google swiftshader)");
  });

  test("works in the build jspi, too, and refuses the one with the old provider", async () => {
    const other = await openPage(browser, url);
    expect(await other.run("runSideBySide", { ...webgpu, build: "onnxruntime-web/jspi" })).toEqual([
      [2, 6, 12, 6, 0, 6],
      [4, 10, 18, 6, 6, 6],
    ]);
    await other.close();
    const old = await openPage(browser, url);
    await expect(old.run("runSideBySide", { ...webgpu, build: "onnxruntime-web" })).rejects.toThrow(
      "this build of onnxruntime-web computes some 3-D operations wrongly on WebGPU",
    );
    await old.close();
  });
});
