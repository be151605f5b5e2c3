import { ConfigError, ResourceError } from "@plseg/core";
import { getBackend, square, type Tensor } from "@tensorflow/tfjs-core";
import { describe, expect, test } from "vitest";
import { createNodeEngine, type NodeEngineName } from "./create-node-engine.js";

describe("createNodeEngine", () => {
  test.each(["compiled", "tfjs"] as const)("makes the engine %s, with all that it needs", async (engine) => {
    const made = await createNodeEngine({ engine, threads: 1 });
    expect(getBackend() || "none").toBe(engine === "tfjs" ? "cpu" : "none");
    const fn = await made.compile(({ x }) => ({ y: square(x as Tensor) }), { x: { shape: [2] } });
    const { y } = await fn.run({ x: Float32Array.of(3, -4) });
    expect(await y?.read()).toEqual(Float32Array.of(9, 16));
    await fn.dispose();
  });

  test("says what to install for a backend that is not there", async () => {
    const made = createNodeEngine({ engine: "tfjs-node-gpu" });
    await expect(made).rejects.toThrow(ResourceError);
    await expect(made).rejects.toThrow("the package @tensorflow/tfjs-node-gpu is not installed. Install it with");
  });

  test("lists the engines there are", async () => {
    const made = createNodeEngine({ engine: "torch" as NodeEngineName });
    await expect(made).rejects.toThrow(
      new ConfigError('createNodeEngine: engine must be compiled, tfjs, tfjs-node, tfjs-node-gpu, got "torch".'),
    );
  });
});
