/** Why a spec that did not pass is no failure of ours. */
export interface SkipRule {
  /** In words, for the report. */
  readonly reason: string;
  /** Spec names it is for; any if missing. */
  readonly spec?: RegExp;
  /** Message that the spec must have failed with; any if missing. */
  readonly message?: RegExp;
}

/** Rules by what the tracer itself says: these hold for whole kernels and types, see NOT_TRACED of `@plseg/onnx`. */
export const TRACER_RULES: readonly SkipRule[] = [
  {
    reason: "complex numbers, which ONNX Runtime does not compute with",
    message: /cannot be traced: ONNX Runtime computes with real/,
  },
  {
    reason: "complex numbers, which ONNX Runtime does not compute with",
    message: /tensors of type complex64 cannot be traced/,
  },
  { reason: "text", message: /cannot be traced: it works on text|tensors of type string cannot be traced/ },
  {
    reason: "a result whose size depends on numbers",
    message: /cannot be traced: the size of its result depends on numbers/,
  },
  { reason: "random numbers drawn by the kernel", message: /cannot be traced: it draws random numbers/ },
  { reason: "pictures of a browser", message: /cannot be traced: it reads or paints pictures/ },
];

/** Rules for single specs. One that no spec needs any more is an error, so that the list cannot hide anything. */
export const SPEC_RULES: readonly SkipRule[] = [
  {
    reason: "an error that depends on numbers, which are known only when the graph runs",
    spec: /^(broadcastArgs .* -> error|gather .* throws when index is out of bound)/,
  },
  {
    reason: "a tolerance narrower than one place of float32 at this size",
    spec: /^(exp .* int32|tan .* numbers exceed float32 precision)$/,
  },
  {
    reason:
      "tfjs' gradient of avgPool divides by the whole window at the border, which is not the derivative of its avgPool",
    spec: /^avgPool .* gradient x=\[3,3,1\] f=\[3,3\] s=1 p=explicit$/,
  },
  { reason: "the clock of a backend", spec: /^time cpu .* simple upload$/ },
];

/** Rules for what ONNX Runtime 1.30 cannot do on WebGPU, or does otherwise, and that no other operation can replace. */
export const WEBGPU_RULES: readonly SkipRule[] = [
  {
    reason: "places as 64-bit numbers, which WebGPU does not have",
    spec: /^topk /,
    message: /assigned to the default CPU EP/,
  },
  {
    reason: "products of matrices of whole numbers, which the provider does not have",
    spec: /^(confusionMatrix|matmul) /,
    message: /assigned to the default CPU EP/,
  },
  {
    reason: "a transpose that ONNX Runtime's optimizer moves onto truth values",
    spec: /^cropAndResize /,
    message: /assigned to the default CPU EP/,
  },
  {
    reason: "a power that the provider fails to write as a shader",
    spec: /^localResponseNormalization /,
    message: /running Pow node.*raw_hash_map/,
  },
  { reason: "an empty result", spec: /^avgPool3d /, message: /Invalid dispatch group size/ },
  {
    reason: "numbers that are not finite, which shaders need not keep",
    spec: /^(clipByValue|relu|debug off|topk) /,
    message: /expected\[\d+\] = (NaN|-?Infinity)/,
  },
];
