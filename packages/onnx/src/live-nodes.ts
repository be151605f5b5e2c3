import type { Node, Value } from "./graph.js";

/** The nodes that outputs depend on, in order. Trailing outputs that nobody reads are dropped from nodes with several. */
export function liveNodes(nodes: readonly Node[], outputs: readonly Value[]): Node[] {
  const wanted = new Set(outputs);
  const live: Node[] = [];
  for (const node of [...nodes].reverse()) {
    const last = node.outputs.findLastIndex((output) => wanted.has(output));
    if (last < 0) continue;
    for (const input of node.inputs) if (input) wanted.add(input);
    live.push({ ...node, outputs: node.outputs.slice(0, last + 1) });
  }
  return live.reverse();
}
