import { type Shape, ShapeError, showShape, sizeOf } from "@plseg/core";
import type { EngineArray, EngineTensor } from "./engine.js";

/** What is said of a function that is run after it was disposed. */
export const FUNCTION_DISPOSED = "run: this function was disposed. Compile it again.";

/** What is said of a tensor that is read or fed after it was disposed. */
export const TENSOR_DISPOSED =
  "this tensor was disposed and holds no numbers any more. Dispose a state only after the step that takes it.";

/** Whether an input is a tensor that an engine holds, rather than plain numbers. */
export const isEngineTensor = (feed: EngineArray | EngineTensor): feed is EngineTensor => "read" in feed;

/** @throws ShapeError unless there is an input of this name with as many numbers as the shape says. */
export function checkFeed(name: string, shape: Shape, feed: EngineArray | EngineTensor | undefined): void {
  if (feed === undefined)
    throw new ShapeError(`run: the input "${name}" is missing; it wants shape ${showShape(shape)}.`);
  const count = isEngineTensor(feed) ? sizeOf(feed.shape) : feed.length;
  if (count !== sizeOf(shape))
    throw new ShapeError(
      `run: the input "${name}" wants ${sizeOf(shape)} numbers (${showShape(shape)}), got ${count}.`,
    );
}
