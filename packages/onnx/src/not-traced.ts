const COMPLEX = "ONNX Runtime computes with real numbers only, this needs complex ones";
const SIZE = "the size of its result depends on numbers, and shapes of a graph are fixed";
const STRING = "it works on text";
const RANDOM = "it draws random numbers, which would be drawn once and for all; draw them outside and feed them";
const BROWSER = "it reads or paints pictures of a browser";
const NAME_ONLY = "TensorFlow.js has the name, but no operation that uses it";

/** Why each kernel that tfjs names and that is not traced cannot be. */
export const NOT_TRACED: Readonly<Record<string, string>> = {
  Complex: COMPLEX,
  ComplexAbs: COMPLEX,
  Real: COMPLEX,
  Imag: COMPLEX,
  FFT: COMPLEX,
  IFFT: COMPLEX,

  Unique: SIZE,
  NonMaxSuppressionV3: SIZE,
  NonMaxSuppressionV4: SIZE,
  NonMaxSuppressionV5: SIZE,
  RaggedGather: SIZE,
  RaggedRange: SIZE,
  RaggedTensorToTensor: SIZE,
  SparseFillEmptyRows: SIZE,
  SparseReshape: SIZE,
  SparseSegmentMean: SIZE,
  SparseSegmentSum: SIZE,

  StaticRegexReplace: STRING,
  StringNGrams: STRING,
  StringSplit: STRING,
  StringToHashBucketFast: STRING,

  Multinomial: RANDOM,

  Draw: BROWSER,
  FromPixels: BROWSER,

  MatrixBandPart: NAME_ONLY,
  Pool: NAME_ONLY,
};
