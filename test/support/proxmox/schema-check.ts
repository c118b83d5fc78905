/** Judges the simulator's traffic; see `loadSchemaCheck`. */
export type SchemaCheck = {
  /** The faults of a request, empty when it is as the schema says. Path parameters are checked too. */
  request(method: string, path: string, params: Readonly<Record<string, string>>): readonly string[];
  /** The faults of a successful answer's `data`. */
  answer(method: string, path: string, data: unknown): readonly string[];
};
