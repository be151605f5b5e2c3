// Trains and segments, away from the page.

import { hideUnannotated, makePhantom, patchSampler, windowIntensity } from "@plseg/data";
import { plSegUnet } from "@plseg/models";
import { createEngine, inferenceFunction, slidingWindow } from "@plseg/runtime";
import { describeNetwork, methods, train } from "@plseg/train";
import gpuModule from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import gpuWasm from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";
import plainModule from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import plainWasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";

const patchSize = [16, 16, 16]; // depth, height, width
const stop = new AbortController();

self.onmessage = ({ data }) => {
  if (data === "stop") stop.abort();
  else trainAndSegment(data).catch(({ message }) => self.postMessage({ failed: message }));
};

/** ONNX Runtime for a device: the build with WebGPU is twice as large. */
async function importOrt(device) {
  const [ort, mjs, wasm] =
    device === "webgpu"
      ? [await import("onnxruntime-web/webgpu"), gpuModule, gpuWasm]
      : [await import("onnxruntime-web/wasm"), plainModule, plainWasm];
  const absolute = (url) => new URL(url, self.location.href).href;
  // where the bundler put them; were they not named, each thread would load this worker again and wait for ever
  ort.env.wasm.wasmPaths = { mjs: absolute(mjs), wasm: absolute(wasm) };
  return ort;
}

async function trainAndSegment({ device, threads, steps, allowSoftwareAdapter }) {
  const ort = await importOrt(device);
  const engine = createEngine({ ort, device, threads, allowSoftwareAdapter });

  // a scan in which somebody labeled three of six organs
  const phantom = makePhantom({ size: 32, seed: 1 });
  const { names, size: classes } = phantom.classes;
  const annotated = names.map((_, index) => index < 4);
  const { shape } = phantom.image;
  const image = windowIntensity(phantom.image, { level: 40, width: 400 });
  const labels = hideUnannotated(phantom.labels, annotated).data;

  const network = plSegUnet({ classes, features: [4, 8], deepSupervision: true });
  let loss = Number.NaN;
  const trained = await train({
    engine,
    method: methods["pl-seg"],
    network,
    classes,
    sampler: patchSampler({
      cases: [{ id: "phantom", image, labels, shape, annotated }],
      patchSize,
      batch: 1,
      seed: 1,
    }),
    patchSize,
    batch: 1,
    steps,
    learningRate: 0.01,
    seed: 1,
    signal: stop.signal,
    async onStep(record) {
      loss = record.loss;
      self.postMessage({ step: record.step, loss });
      await new Promise((resolve) => setTimeout(resolve)); // or "stop" would not be heard
    },
  });

  const { layout } = describeNetwork(network);
  const { parameters, buffers } = trained.tensors;
  const predictor = await engine.compile(
    inferenceFunction(network, layout),
    {
      image: { shape: [1, ...patchSize, 1], layout: "channels-first" },
      parameters: { shape: [layout.parameterCount] },
      buffers: { shape: [layout.bufferCount] },
    },
    { outputLayouts: { probabilities: "channels-first" } },
  );
  const found = await slidingWindow({
    image,
    shape,
    patchSize,
    classes,
    async predict(patch) {
      const { probabilities } = await predictor.run({ image: patch, parameters, buffers });
      return probabilities.read();
    },
  });
  await predictor.dispose();

  const [depth, height, width] = shape;
  const slice = (volume) => volume.slice((depth / 2) * height * width, (depth / 2 + 1) * height * width);
  self.postMessage({
    engine: engine.name,
    threads: ort.env.wasm.numThreads,
    steps: trained.step,
    loss,
    voxels: found.filter((label) => label > 0).length,
    image: slice(image),
    labels: slice(found),
    width,
    height,
  });
}
