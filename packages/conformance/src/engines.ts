import "@plseg/test-kit";
import type { InputSpec } from "@plseg/onnx";
import { type CompiledFunction, createEngine, type Engine as RuntimeEngine } from "@plseg/runtime";
import type { Tensor } from "@tensorflow/tfjs-core";
import * as ort from "onnxruntime-node";

/** Tensors by name. */
export type Tensors = Record<string, Tensor>;

/** A pure function of named tensors: everything that varies comes in, no value is looked at. */
export type TensorFunction = (inputs: Tensors) => Tensors;

/** What a {@link TensorFunction} returned, read back. */
export type Arrays = Record<string, { readonly shape: number[]; readonly data: Float32Array }>;

/** A way to run a function of tensors. */
export interface Engine {
  readonly name: "eager" | "compiled";
  /** Runs `fn`. What is derived from `fn` is kept for later inputs of the same shapes. */
  run(fn: TensorFunction, inputs: Tensors): Promise<Arrays>;
}

/** Every engine that conformance tests run on. */
export const engines: readonly Engine[] = [
  engineOf("eager", createEngine({ engine: "tfjs" })),
  engineOf("compiled", createEngine({ ort })),
];

function engineOf(name: Engine["name"], engine: RuntimeEngine): Engine {
  const known = new WeakMap<TensorFunction, Map<string, Promise<CompiledFunction>>>();
  return {
    name,
    async run(fn, inputs) {
      const specs = Object.fromEntries(
        Object.entries(inputs).map(([input, { shape, dtype }]): [string, InputSpec] => [
          input,
          { shape, dtype: dtype as "float32" | "int32" },
        ]),
      );
      const ofFunction = known.get(fn) ?? new Map<string, Promise<CompiledFunction>>();
      known.set(fn, ofFunction);
      const key = JSON.stringify(specs);
      const compiled = ofFunction.get(key) ?? engine.compile(fn, specs);
      ofFunction.set(key, compiled);
      const feeds = Object.entries(inputs).map(([input, x]) => [input, x.dataSync<"float32">()]);
      const results = await (await compiled).run(Object.fromEntries(feeds));
      const read = Object.entries(results).map(async ([output, result]) => [
        output,
        { shape: [...result.shape], data: Float32Array.from(await result.read()) },
      ]);
      return Object.fromEntries(await Promise.all(read));
    },
  };
}
