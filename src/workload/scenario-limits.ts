/** Bounds on what a scenario may ask for: generous for people, small enough that no text can exhaust the host. */
export const SCENARIO_LIMITS = {
  textCharacters: 1024 * 1024,
  nameCharacters: 64,
  titleCharacters: 200,
  processors: 32,
  spaces: 256,
  threads: 256,
  /** Different names of variables. */
  variables: 1024,
  /** Of one mapping, in pages of 4 KBytes. */
  mappingPages: 2 ** 20,
  repeatDepth: 8,
  /** All threads together, each repeat counted as often as it runs. */
  statements: 1_000_000,
  seed: 2 ** 32 - 1,
} as const;
