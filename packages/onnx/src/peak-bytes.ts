import { byteLength, type Node, type Value } from "./graph.js";

/** Operations that hand their input on under another shape, without copying it. */
const VIEWS: ReadonlySet<string> = new Set(["Reshape", "Identity"]);

/**
 * Bytes held at the fullest moment of a run, node after node: inputs, outputs and what later nodes still need. What the
 * operations use inside, and what an allocator wastes, comes on top.
 */
export function peakBytes(nodes: readonly Node[], inputs: readonly Value[], outputs: readonly Value[]): number {
  const owners = new Map<Value, Value>();
  const owner = (value: Value): Value => owners.get(value) ?? value;
  const readers = new Map<Value, number>();
  for (const { op, inputs: read, outputs: made } of nodes) {
    const [source] = read;
    const [view] = made;
    if (VIEWS.has(op) && source && view) owners.set(view, owner(source));
    for (const value of read) if (value) readers.set(owner(value), (readers.get(owner(value)) ?? 0) + 1);
  }
  const kept = new Set([...inputs, ...outputs].map(owner));
  let held = [...new Set(inputs)].reduce((total, value) => total + byteLength(value), 0);
  let peak = held;
  for (const { inputs: read, outputs: made } of nodes) {
    for (const value of made) if (owner(value) === value) held += byteLength(value);
    peak = Math.max(peak, held);
    for (const value of read) {
      if (!value || value.constant) continue;
      const left = (readers.get(owner(value)) ?? 0) - 1;
      readers.set(owner(value), left);
      if (left === 0 && !kept.has(owner(value))) held -= byteLength(owner(value));
    }
  }
  return peak;
}
