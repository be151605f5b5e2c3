import { expectClose, whyNoWebgpu } from "@plseg/test-kit";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { encodeModel } from "./encode.js";
import { type Attribute, type ElementType, Graph, type Target, type Value } from "./graph.js";
import { liveNodes } from "./live-nodes.js";

type Attributes = Readonly<Record<string, Attribute>>;

/** One node: its operation, the type of what goes in and what comes out, and the shape of each. */
interface Case {
  readonly op: string;
  readonly from: ElementType;
  readonly to?: ElementType;
  readonly operands?: number;
  readonly attributes?: Attributes;
  readonly shape?: readonly number[];
  /** Shapes, paddings or places that come after the operands, as 64-bit integers. */
  readonly integers?: readonly (readonly number[])[];
}

const FLOAT: ElementType = "float32";
const INT: ElementType = "int32";
const BOOL: ElementType = "bool";
const of = (op: string, from: ElementType, more: Partial<Case> = {}): Case => ({ op, from, ...more });
const binary = (op: string, from: ElementType, more: Partial<Case> = {}): Case =>
  of(op, from, { operands: 2, ...more });

/** Nodes that WebGPU lacks, or has for other types only. */
const REWRITTEN: readonly Case[] = [
  of("Sum", FLOAT, { operands: 3 }),
  binary("Mod", FLOAT, { attributes: { fmod: 1 } }),
  binary("Mod", INT),
  binary("Mod", INT, { attributes: { fmod: 1 } }),
  binary("Or", BOOL),
  binary("Xor", BOOL),
  binary("Equal", BOOL),
  of("Neg", INT),
  of("Abs", INT),
  of("Relu", INT),
  of("Sign", INT),
  of("Sign", FLOAT),
  of("Round", FLOAT),
  of("Asin", FLOAT),
  of("Acos", FLOAT),
  of("Selu", FLOAT),
  of("Selu", FLOAT, { attributes: { alpha: { float: 2 }, gamma: { float: 3 } } }),
  ...[INT, BOOL].flatMap((type) => [
    of("Slice", type, {
      shape: [2, 3],
      integers: [
        [1, 0],
        [3, 3],
        [0, 1],
        [1, 1],
      ],
    }),
    of("Slice", type, {
      shape: [4, 2],
      integers: [
        [-1, 0],
        [-100, 3],
        [0, 1],
        [-1, 2],
      ],
    }),
  ]),
  of("Slice", FLOAT, { shape: [2, 3], integers: [[2], [0], [0], [-1]] }),
  binary("Concat", BOOL, { shape: [8, 3], attributes: { axis: 0 } }),
  of("Transpose", BOOL, { shape: [3, 4], attributes: { perm: [1, 0] } }),
  of("Tile", BOOL, { shape: [4, 6], integers: [[1, 2]] }),
  of("Pad", BOOL, { shape: [6, 3], integers: [[1, 0, 1, 0]] }),
];

/** Some that stay as they are. */
const KEPT: readonly Case[] = [
  binary("Equal", INT, { to: BOOL }),
  of("Slice", FLOAT, { shape: [2, 3], integers: [[1], [3], [0], [1]] }),
  binary("Concat", FLOAT, { shape: [8, 3], attributes: { axis: 0 } }),
  of("Not", BOOL),
];

const SHAPE = [4, 3];

/** Numbers within [−1, 1] for functions that want them, halves among the others, no 0 for divisors, all of both signs. */
function numbers(op: string, type: ElementType, operand: number): Float32Array | Int32Array | Uint8Array {
  const indices = Array.from({ length: 12 }, (_, i) => i);
  if (type === "bool") return Uint8Array.from(indices, (i) => (i >> operand) & 1);
  if (type === "int32") return Int32Array.from(indices, (i) => (operand === 0 ? i - 6 : i % 2 ? 4 : -3));
  const size = op === "Asin" || op === "Acos" ? 1 / 3 : 1;
  return Float32Array.from(indices, (i) => (operand === 0 ? (i - 6) / 2 : i % 2 ? 1.25 : -0.75) * size);
}

/** The model of a case, and what to feed it. */
function modelOf(
  { op, from, to = from, operands = 1, attributes, shape = SHAPE, integers = [] }: Case,
  target: Target,
) {
  const graph = new Graph(target);
  const inputs = Array.from({ length: operands }, (_, i) => graph.input(`x${i}`, from, SHAPE));
  const value = graph.node(op, [...inputs, ...integers.map((list) => graph.integers(list))], to, shape, attributes);
  const nodes = liveNodes(graph.nodes, [value]);
  const constants = nodes
    .flatMap((node) => node.inputs)
    .filter((input): input is Value => input?.constant !== undefined);
  const model = encodeModel({
    inputs,
    nodes,
    constants: [...new Map(constants.map((constant) => [constant.name, constant])).values()],
    outputs: [{ name: "y", value }],
  });
  const feeds = inputs.map(({ name }, i) => [
    name,
    new Tensor(from as "float32", numbers(op, from, i) as Float32Array, SHAPE),
  ]);
  return { model, feeds: Object.fromEntries(feeds), operations: nodes.map((node) => node.op) };
}

async function run(model: Uint8Array, feeds: InferenceSession.FeedsType, webgpu = false): Promise<ArrayLike<number>> {
  const strict: InferenceSession.SessionOptions = {
    executionProviders: [{ name: "webgpu", preferredLayout: "NCHW" }],
    extra: { session: { disable_cpu_ep_fallback: "1" } },
  };
  const session = await InferenceSession.create(model, { logSeverityLevel: 3, ...(webgpu && strict) });
  const { y } = await session.run(feeds);
  await session.release();
  return y?.data as ArrayLike<number>;
}

const name = ({ op, from, attributes = {} }: Case): string => `${op} of ${from} ${JSON.stringify(attributes)}`;
const rewritten = REWRITTEN.map((each): [string, Case] => [name(each), each]);
const kept = KEPT.map((each): [string, Case] => [name(each), each]);

describe("gpuNode", () => {
  test.each(rewritten)("writes %s with others that give the same", async (_, each) => {
    const [cpu, gpu] = [modelOf(each, "cpu"), modelOf(each, "gpu")];
    expect(cpu.operations).toContain(each.op);
    expect(gpu.operations).not.toEqual(cpu.operations);
    expectClose(each.op, await run(gpu.model, gpu.feeds), await run(cpu.model, cpu.feeds), {
      absolute: 1e-6,
      relative: 1e-6,
    });
  });

  test.each(kept)("leaves %s alone", (_, each) => {
    expect(modelOf(each, "gpu").operations).toEqual([each.op]);
  });
});

const missing = await whyNoWebgpu(async () => {
  const { model, feeds } = modelOf(of("Relu", FLOAT), "gpu");
  await run(model, feeds, true);
});

describe.skipIf(missing !== undefined)("gpuNode on WebGPU", () => {
  test.each([...rewritten, ...kept])("runs %s without the CPU", async (_, each) => {
    const [cpu, gpu] = [modelOf(each, "cpu"), modelOf(each, "gpu")];
    expectClose(each.op, await run(gpu.model, gpu.feeds, true), await run(cpu.model, cpu.feeds), {
      absolute: 1e-5,
      relative: 1e-5,
    });
  });
});
