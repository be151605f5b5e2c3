import type { Node, Value } from "./graph.js";

/** Operations of several outputs of which none may be left out. */
const REQUIRED_OUTPUTS: Readonly<Record<string, number>> = { TopK: 2 };

/** The nodes that outputs depend on, in order. Trailing outputs that nobody reads are dropped from nodes with several. */
export function liveNodes(nodes: readonly Node[], outputs: readonly Value[]): Node[] {
  const wanted = new Set(outputs);
  const live: Node[] = [];
  for (const node of [...nodes].reverse()) {
    const last = node.outputs.findLastIndex((output) => wanted.has(output));
    if (last < 0) continue;
    for (const input of node.inputs) if (input) wanted.add(input);
    live.push({ ...node, outputs: node.outputs.slice(0, Math.max(last + 1, REQUIRED_OUTPUTS[node.op] ?? 1)) });
  }
  return live.reverse();
}

/** The constants that nodes or outputs are made from, each once. */
export function constantsOf(nodes: readonly Node[], outputs: readonly Value[]): Value[] {
  const used = [...nodes.flatMap((node) => node.inputs), ...outputs].filter((value) => value?.constant !== undefined);
  return [...new Map(used.map((value) => [value?.name, value])).values()] as Value[];
}
