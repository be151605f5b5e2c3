import type { Network } from "@plseg/core";
import { withDefaults } from "@plseg/core";
import { type FlatLayout, flatWeights } from "@plseg/models";
import { add, mul, type Tensor1D, type Tensor5D, tensor1d } from "@tensorflow/tfjs-core";
import type { Method } from "./method.js";
import { oldClassDistillation } from "./old-class-distillation.js";

/** A network that is not trained any more, asked about classes that nobody labels. Its classes are the first of the new one's. */
export interface Teacher {
  /** Gives logits of the old classes, the finest first. */
  readonly network: Network;
  /** Where each of its weights lies in the vectors. */
  readonly layout: FlatLayout;
  /** Its weights at the first step; a training that goes on has them in its state. */
  readonly weights: { readonly parameters: Float32Array; readonly buffers: Float32Array };
}

/** Options of {@link distillOldClasses}. */
export interface DistillOldClassesOptions {
  /** Weight of the distillation beside the method's own objective. */
  readonly weight?: number;
}

/** What {@link distillOldClasses} uses where an option is missing. */
export const DISTILL_OLD_CLASSES_DEFAULTS: Required<DistillOldClassesOptions> = { weight: 1 };

/** Names of the state that holds the frozen weights. */
const [PARAMETERS, BUFFERS] = ["teacher.parameters", "teacher.buffers"];

/**
 * A method that keeps what an older network knows: its objective, and `weight` times {@link oldClassDistillation} of the
 * finest logits. The older network runs inside the step, on the same patch. Its weights are part of the state, so
 * checkpoints hold them, and training goes on without the model that it began with.
 */
export function distillOldClasses(method: Method, teacher: Teacher, options: DistillOldClassesOptions = {}): Method {
  const { weight } = withDefaults(DISTILL_OLD_CLASSES_DEFAULTS, options);
  return {
    ...method,
    objective(forWhat) {
      const own = method.objective(forWhat);
      return {
        init: () => ({
          ...own.init(),
          [PARAMETERS]: tensor1d(teacher.weights.parameters),
          [BUFFERS]: tensor1d(teacher.weights.buffers),
        }),
        compute(pyramid, target, { [PARAMETERS]: parameters, [BUFFERS]: buffers, ...state }, context) {
          const { weights } = flatWeights(teacher.layout, parameters as Tensor1D, buffers as Tensor1D);
          const [teacherLogits] = teacher.network(weights, context.image, { training: false });
          const result = own.compute(pyramid, target, state, context);
          const kept = oldClassDistillation(pyramid[0] as Tensor5D, teacherLogits as Tensor5D, target);
          return {
            value: add(result.value, mul(kept, weight)),
            state: { ...result.state, [PARAMETERS]: parameters as Tensor1D, [BUFFERS]: buffers as Tensor1D },
            terms: { ...result.terms, oldClasses: kept },
          };
        },
      };
    },
  };
}
