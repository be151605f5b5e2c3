/** Element type of a tensor in a file, by its name in safetensors. */
export type SafetensorsType =
  | "F64"
  | "I64"
  | "U64"
  | "F32"
  | "I32"
  | "U32"
  | "F16"
  | "BF16"
  | "I16"
  | "U16"
  | "I8"
  | "U8"
  | "BOOL";

/** What the elements of a tensor are held in. `F16` and `BF16` are held as their bits, `BOOL` as bytes. */
export type SafetensorsArray =
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Uint16Array
  | Int16Array
  | Int8Array
  | Uint8Array;

/** Makes an array of elements. */
export interface ElementArrayConstructor {
  new (buffer: ArrayBuffer): SafetensorsArray;
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
}

/** What holds the elements of each type. */
export const ELEMENT_ARRAYS: Readonly<Record<SafetensorsType, ElementArrayConstructor>> = {
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  F32: Float32Array,
  I32: Int32Array,
  U32: Uint32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
};
