import { DataError, type Shape, showShape, sizeOf } from "@plseg/core";
import { unzipSync } from "fflate";
import { ELEMENT_ARRAYS, type SafetensorsArray, type SafetensorsType } from "./element-types.js";
import { type PickleGlobal, type PickleObject, type PickleRules, type PickleValue, readPickle } from "./read-pickle.js";
import type { SafetensorsTensor } from "./safetensors.js";

/** The numbers that tensors are views of. */
interface Storage extends PickleObject {
  readonly kind: "storage";
  readonly dtype: SafetensorsType;
  readonly key: string;
  readonly length: number;
}

/** A view of a storage, not read yet. */
interface TensorView extends PickleObject {
  readonly kind: "tensor";
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: Shape;
  readonly strides: Shape;
}

/** A file of either format: its pickled object, and the bytes of a storage by its key. */
interface TorchFile {
  readonly value: PickleValue;
  readonly read: (keys: ReadonlySet<string>) => ReadonlyMap<string, Uint8Array>;
}

const STORAGES: Readonly<Record<string, SafetensorsType>> = {
  DoubleStorage: "F64",
  FloatStorage: "F32",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
};

/** Names under which checkpoints keep their weights beside other things. */
const WRAPPERS = ["state_dict", "model_state_dict", "model", "net", "network", "network_weights"];

/** Tensors may share their numbers; together they may be so many times as large as the file. */
const SHARING = 8;

/**
 * Reads the tensors of a PyTorch file (`.pth`, `.pt`), as `torch.save(model.state_dict(), …)` writes it: the zip format of PyTorch
 * 1.6 and newer and the one before. A state dict may lie under `state_dict`, `model`, `net` or the like. Only tensors are read:
 * a pickle is a program, and every name in it but those of tensors and dictionaries is refused. Views, transposed tensors
 * and shared storages come out as row-major copies.
 *
 * @returns The tensors by name, in the order of the file. `F16` and `BF16` are held as their bits (see `float32Of`).
 * @throws DataError if the file is damaged, is no file of weights, or holds anything that could run code.
 */
export function readTorchWeights(bytes: Uint8Array): Map<string, SafetensorsTensor> {
  const { value, read } = isZip(bytes) ? openZip(bytes) : openLegacy(bytes);
  const views = stateDict(value);
  const size = [...views.values()].reduce((sum, view) => sum + bytesOf(view), 0);
  if (size > SHARING * bytes.length)
    throw new DataError(
      `readTorchWeights: the tensors claim ${size} bytes in a file of ${bytes.length}. Save them with .contiguous().`,
    );
  const storages = read(new Set([...views.values()].map(({ storage }) => storage.key)));
  const opened = new Map<string, SafetensorsArray>();
  return new Map([...views].map(([name, view]) => [name, copyOut(name, view, storages, opened)]));
}

const isZip = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && bytes[1] === 0x4b;

/** What pickles of weights may use. Nothing here does more than to note what it is given. */
const GLOBALS = new Map<string, PickleGlobal>([
  ["collections.OrderedDict", { kind: "class", call: () => new Map() }],
  ["torch._utils._rebuild_tensor_v2", { kind: "function", call: rebuildTensor }],
  ["torch._utils._rebuild_parameter", { kind: "function", call: ([tensor = null]) => tensor }],
  ...Object.keys(STORAGES).map((name): [string, PickleGlobal] => [`torch.${name}`, { kind: name }]),
]);

const RULES: PickleRules = { globals: GLOBALS, persistent: openStorage };

/** `("storage", type, key, device, length)`, in the older format with a view behind it, which none writes any more. */
function openStorage(id: PickleValue): Storage {
  const [what, type, key, , length, view = null] = Array.isArray(id) ? (id as readonly PickleValue[]) : [];
  const dtype = typeof type === "object" && type && "kind" in type ? STORAGES[type.kind] : undefined;
  if (what !== "storage" || !dtype || typeof key !== "string" || !isCount(length) || view !== null)
    throw new DataError("readTorchWeights: a storage is not described as PyTorch does it. Is the file whole?");
  return { kind: "storage", dtype, key, length };
}

function rebuildTensor([storage, offset, shape, strides]: readonly PickleValue[]): TensorView {
  const isShape = (value: PickleValue | undefined): value is readonly number[] =>
    Array.isArray(value) && value.every(isCount);
  if (
    !(isObject(storage) && storage.kind === "storage" && isCount(offset) && isShape(shape) && isShape(strides)) ||
    shape.length !== strides.length
  )
    throw new DataError("readTorchWeights: a tensor is not described as PyTorch does it. Is the file whole?");
  const view: TensorView = { kind: "tensor", storage: storage as Storage, offset, shape, strides };
  const size = sizeOf(shape);
  const last = shape.reduce((sum, length, axis) => sum + (length - 1) * (strides[axis] as number), offset);
  const { length } = view.storage;
  if (!(size <= length) || (size > 0 && !(last < length)))
    throw new DataError(
      `readTorchWeights: a tensor of shape ${showShape(shape)} does not fit its storage of ${length} numbers. Is it whole? Save expanded tensors with .contiguous().`,
    );
  return view;
}

const isObject = (value: PickleValue | undefined): value is PickleObject =>
  typeof value === "object" && value !== null && "kind" in value;

const isCount = (value: PickleValue | undefined): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

const bytesOf = ({ shape, storage }: TensorView): number =>
  sizeOf(shape) * ELEMENT_ARRAYS[storage.dtype].BYTES_PER_ELEMENT;

/** The tensors of a state dict, which may lie inside others. */
function stateDict(value: PickleValue): Map<string, TensorView> {
  let dictionary = value;
  for (let depth = 0; depth < WRAPPERS.length && dictionary instanceof Map; depth++) {
    const items: Map<PickleValue, PickleValue> = dictionary;
    const tensors = [...items].filter(
      (item): item is [string, TensorView] =>
        typeof item[0] === "string" && isObject(item[1]) && item[1].kind === "tensor",
    );
    if (tensors.length > 0) return new Map(tensors);
    dictionary = WRAPPERS.map((name) => items.get(name)).find((inside) => inside instanceof Map) ?? null;
  }
  const found =
    value instanceof Map ? `a dictionary of ${[...value.keys()].slice(0, 5).map(String).join(", ")}` : "no dictionary";
  throw new DataError(
    `readTorchWeights: the file holds no tensors by name, but ${found}. They may lie at the top or under ${WRAPPERS.join(", ")}.`,
  );
}

/** Copies a view out of its storage, row-major. */
function copyOut(
  name: string,
  { storage, offset, shape, strides }: TensorView,
  storages: ReadonlyMap<string, Uint8Array>,
  opened: Map<string, SafetensorsArray>,
): SafetensorsTensor {
  const { dtype, key, length } = storage;
  const Elements = ELEMENT_ARRAYS[dtype];
  const bytes = storages.get(key);
  if (bytes?.length !== length * Elements.BYTES_PER_ELEMENT)
    throw new DataError(
      `readTorchWeights: "${name}" needs a storage of ${length * Elements.BYTES_PER_ELEMENT} bytes, got ${bytes?.length ?? "none"}. The file is damaged.`,
    );
  const id = `${dtype} ${key}`;
  const all = opened.get(id) ?? new Elements(new Uint8Array(bytes).buffer);
  opened.set(id, all);
  const size = sizeOf(shape);
  const data = new Elements(new ArrayBuffer(size * Elements.BYTES_PER_ELEMENT));
  const index = new Array<number>(shape.length).fill(0);
  let from = offset;
  for (let to = 0; to < size; to++) {
    data[to] = all[from] as never;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      from += strides[axis] as number;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      from -= (shape[axis] as number) * (strides[axis] as number);
      index[axis] = 0;
    }
  }
  return { dtype, shape: [...shape], data };
}

/** The zip format: `NAME/data.pkl`, and a file `NAME/data/KEY` for each storage. Nothing in it is compressed. */
function openZip(bytes: Uint8Array): TorchFile {
  const pickles = unzip(bytes, (name) => /^[^/]+\/data\.pkl$/.test(name));
  const [pickle, another] = [...pickles];
  if (!pickle || another)
    throw new DataError(
      "readTorchWeights: the archive must hold one data.pkl, as torch.save writes it. Is it a TorchScript or another zip file?",
    );
  const folder = pickle[0].slice(0, -"data.pkl".length);
  const order = unzip(bytes, (name) => name === `${folder}byteorder`).get(`${folder}byteorder`);
  if (order && new TextDecoder().decode(order) !== "little")
    throw new DataError("readTorchWeights: the file was written on a big-endian machine. Save it again on another.");
  return {
    value: readPickle(pickle[1], 0, RULES).value,
    read(keys) {
      const prefix = `${folder}data/`;
      const isWanted = (name: string): boolean => name.startsWith(prefix) && keys.has(name.slice(prefix.length));
      return new Map([...unzip(bytes, isWanted)].map(([name, content]) => [name.slice(prefix.length), content]));
    },
  };
}

/** Some files of an archive, which must lie in it as they are: there is nothing to inflate, and nothing larger than it. */
function unzip(bytes: Uint8Array, isWanted: (name: string) => boolean): Map<string, Uint8Array> {
  let taken = 0;
  let seen = 0;
  const filter = (file: { name: string; size: number; originalSize: number; compression: number }): boolean => {
    if (file.name === "" || ++seen > bytes.length / SMALLEST_ENTRY)
      throw new DataError("readTorchWeights: the archive's directory is damaged.");
    if (!isWanted(file.name)) return false;
    taken += file.size;
    if (file.compression !== 0 || file.size !== file.originalSize || !(taken <= bytes.length))
      throw new DataError(
        `readTorchWeights: ${file.name} of the archive must be stored as it is, ${file.originalSize} bytes of at most ${bytes.length}. Save it again with torch.save.`,
      );
    return true;
  };
  try {
    return new Map(Object.entries(unzipSync(bytes, { filter })));
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(`readTorchWeights: the archive is damaged: ${(cause as Error).message}.`, { cause });
  }
}

/** Bytes of the shortest entry of an archive's directory. */
const SMALLEST_ENTRY = 46;

const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;

/** The older format: magic number, protocol, machine, object, keys of the storages, each a pickle; then their lengths and numbers. */
function openLegacy(bytes: Uint8Array): TorchFile {
  if (bytes[0] !== 0x80)
    throw new DataError(
      "readTorchWeights: this is no file of torch.save: it begins neither as a zip archive nor as a pickle.",
    );
  let at = 0;
  const next = (): PickleValue => {
    const { value, end } = readPickle(bytes, at, RULES);
    at = end;
    return value;
  };
  const [magic, protocol, machine] = [next(), next(), next()];
  if (magic !== LEGACY_MAGIC || protocol !== LEGACY_PROTOCOL)
    throw new DataError("readTorchWeights: the file is a pickle, but not one of torch.save. Nothing in it was run.");
  if (!(machine instanceof Map) || machine.get("little_endian") !== true)
    throw new DataError("readTorchWeights: the file was written on a big-endian machine. Save it again on another.");
  const sizes = new Map<string, number>(); // bytes of an element, by storage
  const rules: PickleRules = {
    ...RULES,
    persistent(id) {
      const storage = openStorage(id);
      sizes.set(storage.key, ELEMENT_ARRAYS[storage.dtype].BYTES_PER_ELEMENT);
      return storage;
    },
  };
  const { value, end } = readPickle(bytes, at, rules);
  at = end;
  const keys = next();
  const storages = new Map<string, Uint8Array>();
  for (const key of Array.isArray(keys) ? (keys as readonly PickleValue[]) : []) {
    const size = typeof key === "string" ? sizes.get(key) : undefined;
    const length =
      at + 8 <= bytes.length
        ? Number(new DataView(bytes.buffer, bytes.byteOffset + at, 8).getBigUint64(0, true))
        : Number.NaN;
    const stop = at + 8 + length * (size ?? Number.NaN);
    if (!(stop <= bytes.length))
      throw new DataError(`readTorchWeights: storage ${String(key)} is cut short. The file is truncated.`);
    storages.set(key as string, bytes.subarray(at + 8, stop));
    at = stop;
  }
  return { value, read: () => storages };
}
