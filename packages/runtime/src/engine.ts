import type { Shape } from "@plseg/core";
import type { InputSpec, Layout } from "@plseg/onnx";
import type { Tensor } from "@tensorflow/tfjs-core";

/** Numbers that go into an engine or come out of it. */
export type EngineArray = Float32Array | Int32Array | Uint8Array;

/** A tensor that stays where the engine works. Feed it to the next call without copying it. */
export interface EngineTensor {
  readonly shape: Shape;
  /** The numbers, copied to the CPU if they are elsewhere. */
  read(): Promise<EngineArray>;
  /** Frees it. Reading or feeding it afterwards is an error. */
  dispose(): void;
}

/** A pure function of named tensors that an engine can run. */
export type TensorFunction<Names extends string = string> = (
  inputs: {
    readonly [Name in Names]: Tensor;
  },
) => Readonly<Record<string, Tensor>>;

/** A function made ready to run, for inputs of fixed shapes. */
export interface CompiledFunction {
  /** @throws ShapeError if an input is missing or has the wrong number of elements. */
  run(inputs: Readonly<Record<string, EngineArray | EngineTensor>>): Promise<Record<string, EngineTensor>>;
  dispose(): Promise<void>;
}

/** How to make a function ready. */
export interface CompileOptions {
  /** Layouts of outputs by name; those not named come out as the function returns them. */
  readonly outputLayouts?: Readonly<Record<string, Layout>>;
}

/** Runs functions of TensorFlow.js tensors: eagerly on a tfjs backend, or compiled through ONNX Runtime. */
export interface Engine {
  /** What runs, and where, such as `compiled (cpu)`. */
  readonly name: string;
  compile<Inputs extends Readonly<Record<string, InputSpec>>>(
    fn: TensorFunction<Extract<keyof Inputs, string>>,
    inputs: Inputs,
    options?: CompileOptions,
  ): Promise<CompiledFunction>;
}
