/** Long computations in steps: each `yield` is a place where whoever drives one may let something else go first. Pure, like all it drives. */

/** Answers with `T` in the end. What is not driven to its end has changed nothing that others see. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** All steps at once, for whoever has nothing else to do. */
export function runSteps<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
