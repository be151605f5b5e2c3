import { UnsupportedOpError } from "@plseg/core";
import { Identity, type KernelFunc, registerKernel, type TensorInfo } from "@tensorflow/tfjs-core";
import type { TraceBackend } from "./backend.js";
import { callPlace } from "./call-place.js";
import { KERNELS } from "./kernels/index.js";
import type { TraceKernel } from "./kernels/kernel.js";
import { NOT_TRACED } from "./not-traced.js";
import type { Sym } from "./symbol.js";

/** Registers a kernel of every name that tfjs knows: one that records, or one that says why it cannot. */
export function registerKernels(backendName: string): void {
  for (const [kernelName, kernel] of Object.entries(KERNELS))
    registerKernel({ kernelName, backendName, kernelFunc: kernelName === Identity ? sharing : recording(kernel) });
  for (const [kernelName, reason] of Object.entries(NOT_TRACED))
    registerKernel({ kernelName, backendName, kernelFunc: refusing(kernelName, reason) });
}

/** Two tensors over one symbol, as tfjs counts them: or it takes the copy for a leak. */
const sharing: KernelFunc = ({ inputs, backend }) => (backend as TraceBackend).shared(inputs.x as TensorInfo);

const recording =
  (kernel: TraceKernel): KernelFunc =>
  ({ inputs, attrs, backend }) => {
    const tracing = backend as TraceBackend;
    try {
      const symbols = Object.fromEntries(
        Object.entries(inputs)
          .filter(([, tensor]) => tensor !== undefined && tensor !== null)
          .map(([name, tensor]) => [name, tracing.symbolOf(tensor as TensorInfo)]),
      );
      const result = kernel(tracing.graph, symbols, attrs ?? {});
      return Array.isArray(result)
        ? result.map((symbol: Sym) => tracing.tensorOf(symbol))
        : tracing.tensorOf(result as Sym);
    } catch (error) {
      if (error instanceof UnsupportedOpError) error.message += callPlace();
      throw error;
    }
  };

const refusing =
  (kernelName: string, reason: string): KernelFunc =>
  () => {
    throw new UnsupportedOpError(
      `trace: the operation ${kernelName} cannot be traced: ${reason}. ` +
        `Write the function with other operations, compute this part outside and feed it, or run the function on the eager engine.${callPlace()}`,
    );
  };
