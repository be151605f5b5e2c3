import { expectClose } from "@plseg/test-kit";
import type { Trained } from "./small-training.js";

/**
 * Compares a short training on one device with the same one on another: losses and gradients to 1e-4 in the first step and
 * 1e-3 in later ones, parameters to 5e-3 of the largest. Adam divides by the size of a gradient: where that is almost 0,
 * rounding decides which way a parameter goes.
 */
export function expectSameTraining(actual: Trained, expected: Trained): void {
  for (const [step, { loss, gradientNorm, terms }] of expected.records.entries()) {
    const record = actual.records[step];
    if (!record) throw new Error(`step ${step + 1} of ${expected.records.length} is missing.`);
    const relative = step === 0 ? 1e-4 : 1e-3;
    const name = `of step ${step + 1}`;
    expectClose(`loss ${name}`, [record.loss], [loss], { relative });
    expectClose(`gradient norm ${name}`, [record.gradientNorm], [gradientNorm], { relative });
    for (const [term, value] of Object.entries(terms))
      expectClose(`${term} ${name}`, [record.terms[term] ?? Number.NaN], [value], { relative });
  }
  for (const [name, values] of Object.entries(expected.state.tensors))
    expectClose(name, actual.state.tensors[name] ?? [], values, { ofMax: 5e-3 });
}
