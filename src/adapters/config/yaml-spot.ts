/** Where the values of a YAML text stand. */

/** Where a value stood (UTF-16 units from the start of the text), where its key stood, and the same for what is inside. */
export type Spot = {
  readonly offset: number;
  readonly keyOffset: number | undefined;
  readonly children: ReadonlyMap<string | number, Spot>;
};

export const noChildren: ReadonlyMap<string | number, Spot> = new Map();
