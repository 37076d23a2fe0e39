/** Avro schemas by id and by subject; the contract of every registry. Ids are positive 32-bit integers, immutable for ever. */
export interface Registry {
  /**
   * The id of this schema under the subject; registers it as the next version if it is new. Idempotent.
   * ERR_SCHEMA_INCOMPATIBLE when the subject's compatibility level (BACKWARD) forbids it: nothing is registered.
   */
  register(subject: string, schema: string): Promise<RegisteredSchema>
  /** The registration of exactly this schema under the subject, or null. Registers nothing. */
  find(subject: string, schema: string): Promise<RegisteredSchema | null>
  /** The schema text of an id. ERR_SCHEMA_UNKNOWN. */
  schemaById(id: number): Promise<string>
  /** Newest version under the subject, or null. */
  latest(subject: string): Promise<RegisteredSchema | null>
  /** All subjects, sorted. */
  subjects(): Promise<readonly string[]>
  close(): Promise<void>
}

export interface RegisteredSchema {
  readonly subject: string
  readonly id: number
  /** From 1, without gaps. */
  readonly version: number
  readonly schema: string
}
