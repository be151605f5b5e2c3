import { ResourceError } from "@plseg/core";
import * as onnxruntime from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { type Device, type OnnxRuntime, openSession } from "./onnx-session.js";

/** An ONNX Runtime that computes nothing and notes how many calls it had at once, and what it was given. */
function pretended(): { ort: OnnxRuntime; most: () => number; options: unknown[] } {
  let [now, most] = [0, 0];
  const options: unknown[] = [];
  const call = async <T>(result: T): Promise<T> => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, 2));
    now--;
    return result;
  };
  const session = {
    run: (feeds: object) => ("fail" in feeds ? call(feeds).then(() => Promise.reject(new Error("lost"))) : call(feeds)),
    release: () => call(undefined),
  };
  const InferenceSession = {
    create(_: unknown, given: unknown) {
      options.push(given);
      return call(session);
    },
  };
  return { ort: { InferenceSession, Tensor: onnxruntime.Tensor } as unknown as OnnxRuntime, most: () => most, options };
}

async function callsAtOnce(device: Device): Promise<number> {
  const { ort, most } = pretended();
  const sessions = await Promise.all([1, 2].map(() => openSession({ ort, device }, new Uint8Array())));
  await Promise.all(sessions.flatMap((session) => [session.run({}), session.run({})]));
  await Promise.all(sessions.map((session) => session.release()));
  return most();
}

describe("openSession", () => {
  test("lets one call at a time onto WebGPU, over all sessions, and others as they come", async () => {
    expect(await callsAtOnce("webgpu")).toBe(1);
    expect(await callsAtOnce("cpu")).toBe(4);
  });

  test("goes on after a call that failed", async () => {
    const { ort } = pretended();
    const session = await openSession({ ort, device: "webgpu" }, new Uint8Array());
    const lost = session.run({ fail: {} } as never);
    const next = session.run({});
    await expect(lost).rejects.toThrow("lost");
    expect(await next).toEqual({});
  });

  test("asks for a provider, a layout and threads", async () => {
    const { ort, options } = pretended();
    await openSession({ ort, device: "webgpu" }, new Uint8Array(), { resident: ["state"] });
    await openSession({ ort, threads: 2 }, new Uint8Array());
    expect(options).toMatchObject([
      {
        executionProviders: [{ name: "webgpu", preferredLayout: "NCHW" }],
        preferredOutputLocation: { state: "gpu-buffer" },
        extra: { session: { disable_cpu_ep_fallback: "1" } },
      },
      { executionProviders: ["cpu"], intraOpNumThreads: 2 },
    ]);
  });

  test("refuses the build of onnxruntime-web whose WebGPU is wrong in 3-D", async () => {
    const webgpu = {};
    Object.defineProperty(webgpu, "device", { value: {}, writable: false, configurable: true });
    const { ort, most } = pretended();
    const old = openSession({ ort: { ...ort, env: { webgpu } }, device: "webgpu" }, new Uint8Array());
    await expect(old).rejects.toThrow('Import "onnxruntime-web/webgpu" or "onnxruntime-web/jspi"');
    expect(most()).toBe(1);
    const native = { ...ort, env: { webgpu: { device: {} } } };
    expect(await openSession({ ort: native, device: "webgpu" }, new Uint8Array())).toBeDefined();
  });

  test("says that a graph cannot be loaded, and where", async () => {
    const opened = openSession({ ort: onnxruntime }, Uint8Array.of(1, 2, 3));
    await expect(opened).rejects.toThrow(ResourceError);
    await expect(opened).rejects.toThrow("openSession: ONNX Runtime could not load the graph on cpu: ");
  });
});
