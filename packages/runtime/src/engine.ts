import type { Shape } from "@plseg/core";
import type { InputSpec, Layout } from "@plseg/onnx";
import type { Tensor } from "@tensorflow/tfjs-core";

/** Numbers that go into an engine or come out of it. */
export type EngineArray = Float32Array | Int32Array | Uint8Array;

/** A tensor that stays where the engine works. Feed it to the next call without copying it. */
export interface EngineTensor {
  /** Sizes of the axes, outermost first. */
  readonly shape: Shape;
  /**
   * The numbers, copied to the CPU if they are elsewhere.
   *
   * @throws ConfigError if it was disposed.
   */
  read(): Promise<EngineArray>;
  /** Frees it. Reading or feeding it afterwards is an error; disposing it again is not. */
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
  /**
   * Runs it once. Outputs are by name, and stay with the engine until read or disposed.
   *
   * @throws ShapeError if an input is missing or has the wrong number of elements; ConfigError if the function, or a tensor
   * that is fed, was disposed.
   */
  run(inputs: Readonly<Record<string, EngineArray | EngineTensor>>): Promise<Record<string, EngineTensor>>;
  /** Frees what was made ready. Running it afterwards is an error; disposing it again is not. Its outputs live on. */
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
  /**
   * Makes a pure function ready for inputs of fixed shapes. Nothing is computed yet.
   *
   * @throws UnsupportedOpError if the engine compiles and the function cannot be traced; ResourceError if it would not fit.
   */
  compile<Inputs extends Readonly<Record<string, InputSpec>>>(
    fn: TensorFunction<Extract<keyof Inputs, string>>,
    inputs: Inputs,
    options?: CompileOptions,
  ): Promise<CompiledFunction>;
}
