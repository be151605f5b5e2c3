import { DataError } from "@plseg/core";

/** A value of a pickle: numbers, texts, lists and tuples (both arrays), dictionaries (maps), and what the reader's rules make. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly PickleValue[]
  | Map<PickleValue, PickleValue>
  | PickleObject;

/** Something that a rule made of a global name or a persistent id. */
export interface PickleObject {
  /** What it is. */
  readonly kind: string;
}

/** A name that a pickle may use: what it is by itself, and what calling it gives. Nothing is ever imported or run. */
export interface PickleGlobal extends PickleObject {
  /** What `REDUCE` makes of its arguments; names without it cannot be called. */
  readonly call?: (args: readonly PickleValue[]) => PickleValue;
}

/** What a pickle is allowed to mean. */
export interface PickleRules {
  /** Every name that it may use, as `module.name`. Any other is refused. */
  readonly globals: ReadonlyMap<string, PickleGlobal>;
  /** What a persistent id stands for. */
  persistent(id: PickleValue): PickleValue;
}

/** Marks a place on the stack. */
const MARK: PickleObject = { kind: "mark" };

/**
 * Reads one pickle, of protocol 2 to 5, as data: a list of known operations on a stack. Names are looked up in the rules
 * and nowhere else, so a pickle cannot run anything.
 *
 * @param offset - Where it begins.
 * @returns Its value, and the place behind it.
 * @throws DataError if it is damaged, uses an operation that weights do not need, or a name that the rules do not allow.
 * @see https://github.com/python/cpython/blob/3.12/Lib/pickletools.py
 */
export function readPickle(
  bytes: Uint8Array,
  offset: number,
  rules: PickleRules,
): { readonly value: PickleValue; readonly end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: PickleValue[] = [];
  const memo = new Map<number, PickleValue>();
  let at = offset;

  const take = (length: number): number => {
    if (!(length >= 0 && at + length <= bytes.length)) throw broken(at, "it ends in the middle of an operation");
    at += length;
    return at - length;
  };
  const byte = (): number => view.getUint8(take(1));
  const uint32 = (): number => view.getUint32(take(4), true);
  const uint64 = (): number => Number(view.getBigUint64(take(8), true));
  const text = (length: number): string => {
    const start = take(length);
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(start, start + length));
    } catch (cause) {
      throw broken(start, "a text is not UTF-8", cause);
    }
  };
  const line = (): string => {
    const end = bytes.indexOf(10, at);
    if (end < 0) throw broken(at, "a name has no end");
    const read = text(end - at);
    take(1);
    return read;
  };
  const pop = (): PickleValue => {
    const value = stack.pop();
    if (value === undefined || value === MARK) throw broken(at, "an operation lacks its values");
    return value;
  };
  const popToMark = (): PickleValue[] => {
    const mark = stack.lastIndexOf(MARK);
    if (mark < 0) throw broken(at, "an operation lacks its mark");
    const values = stack.splice(mark + 1);
    stack.pop();
    return values;
  };
  const popAll = (count: number): PickleValue[] => Array.from({ length: count }, pop).reverse();
  const recall = (index: number): void => {
    const value = memo.get(index);
    if (value === undefined) throw broken(at, "a value is used before it is there");
    stack.push(value);
  };
  const top = (): PickleValue => {
    const value = pop();
    stack.push(value);
    return value;
  };
  const setItems = (items: readonly PickleValue[]): void => {
    const target = top();
    if (!(target instanceof Map) || items.length % 2 !== 0) throw broken(at, "items are set on what is no dictionary");
    for (let i = 0; i < items.length; i += 2) target.set(items[i] as PickleValue, items[i + 1] as PickleValue);
  };
  const append = (items: readonly PickleValue[]): void => {
    const target = top();
    if (!Array.isArray(target)) throw broken(at, "items are appended to what is no list");
    for (const item of items) target.push(item);
  };
  const global = (name: string): PickleGlobal => {
    const known = rules.globals.get(name);
    if (known) return known;
    throw new DataError(
      `readTorchWeights: the file wants to use "${name}", which is not needed for weights and may run code. It was not run. Save the weights alone, in Python: torch.save(model.state_dict(), "weights.pth").`,
    );
  };
  const reduce = (): PickleValue => {
    const args = pop();
    const called = pop() as PickleGlobal | null;
    if (typeof called !== "object" || typeof called?.call !== "function" || !Array.isArray(args))
      throw broken(at, "what is called cannot be called");
    return called.call(args);
  };
  const build = (): void => {
    pop(); // attributes, which torch keeps versions in
    if (!(top() instanceof Map)) throw broken(at, "attributes are set on what is no dictionary");
  };

  for (;;) {
    const code = byte();
    switch (code) {
      case 0x80: {
        // PROTO
        const protocol = byte();
        if (protocol < 2 || protocol > 5) throw broken(at, `protocol ${protocol} is not known`);
        break;
      }
      case 0x95: // FRAME
        take(8);
        break;
      case 0x2e: // STOP
        return { value: pop(), end: at };
      case 0x28: // MARK
        stack.push(MARK);
        break;
      case 0x4e: // NONE
        stack.push(null);
        break;
      case 0x88: // NEWTRUE
      case 0x89: // NEWFALSE
        stack.push(code === 0x88);
        break;
      case 0x4a: // BININT
        stack.push(view.getInt32(take(4), true));
        break;
      case 0x4b: // BININT1
        stack.push(byte());
        break;
      case 0x4d: // BININT2
        stack.push(view.getUint16(take(2), true));
        break;
      case 0x8a: // LONG1
        stack.push(signedNumber(bytes, byte, take));
        break;
      case 0x47: // BINFLOAT
        stack.push(view.getFloat64(take(8), false));
        break;
      case 0x8c: // SHORT_BINUNICODE
        stack.push(text(byte()));
        break;
      case 0x58: // BINUNICODE
        stack.push(text(uint32()));
        break;
      case 0x8d: // BINUNICODE8
        stack.push(text(uint64()));
        break;
      case 0x7d: // EMPTY_DICT
        stack.push(new Map());
        break;
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        stack.push([]);
        break;
      case 0x74: // TUPLE
        stack.push(popToMark());
        break;
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        stack.push(popAll(code - 0x84));
        break;
      case 0x73: // SETITEM
        setItems(popAll(2));
        break;
      case 0x75: // SETITEMS
        setItems(popToMark());
        break;
      case 0x61: // APPEND
        append(popAll(1));
        break;
      case 0x65: // APPENDS
        append(popToMark());
        break;
      case 0x71: // BINPUT
        memo.set(byte(), top());
        break;
      case 0x72: // LONG_BINPUT
        memo.set(uint32(), top());
        break;
      case 0x94: // MEMOIZE
        memo.set(memo.size, top());
        break;
      case 0x68: // BINGET
        recall(byte());
        break;
      case 0x6a: // LONG_BINGET
        recall(uint32());
        break;
      case 0x63: // GLOBAL
        stack.push(global(`${line()}.${line()}`));
        break;
      case 0x93: // STACK_GLOBAL
        stack.push(global(popAll(2).map(String).join(".")));
        break;
      case 0x51: // BINPERSID
        stack.push(rules.persistent(pop()));
        break;
      case 0x52: // REDUCE
        stack.push(reduce());
        break;
      case 0x62: // BUILD
        build();
        break;
      default:
        throw broken(at - 1, `operation 0x${code.toString(16).padStart(2, "0")} is not one that weights need`);
    }
  }
}

/** A whole number in little-endian two's complement; a bigint where a number would round it. */
function signedNumber(bytes: Uint8Array, byte: () => number, take: (length: number) => number): number | bigint {
  const length = byte();
  const start = take(length);
  let value = 0n;
  for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[start + i] as number);
  const signed = BigInt.asIntN(8 * length, value);
  return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
}

const broken = (at: number, what: string, cause?: unknown): DataError =>
  new DataError(`readTorchWeights: the pickle cannot be read: ${what} (byte ${at}). Is the file whole?`, { cause });
