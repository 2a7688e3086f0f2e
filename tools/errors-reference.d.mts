/** Types of errors-reference.mjs for the test that keeps its output in step. */

export function renderErrorsReference(refusalCodes: object): string;
