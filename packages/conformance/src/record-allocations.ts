const ARRAYS = [
  ...["Int8Array", "Uint8Array", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array"],
  ...["Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array"],
] as const;

/**
 * Watches the typed arrays that are made from now on, by whatever code (save Node's own): `largest` tells the bytes of the
 * largest that was asked for since it was last called, and `restore` ends it.
 */
export function recordAllocations(): { readonly largest: () => number; readonly restore: () => void } {
  const originals = new Map<string, unknown>(ARRAYS.map((name) => [name, Reflect.get(globalThis, name)]));
  let most = 0;
  for (const [name, original] of originals)
    if (typeof original === "function")
      Reflect.set(
        globalThis,
        name,
        new Proxy(original, {
          construct(target, args, newTarget) {
            const width = Number(Reflect.get(target, "BYTES_PER_ELEMENT"));
            if (typeof args[0] === "number") most = Math.max(most, args[0] * width);
            return Reflect.construct(target, args, newTarget) as object;
          },
        }),
      );
  return {
    largest: () => {
      const found = most;
      most = 0;
      return found;
    },
    restore: () => {
      for (const [name, original] of originals) Reflect.set(globalThis, name, original);
    },
  };
}
