/** Turns a topic's values into record values and back. */
export interface Codec<T> {
  /** The record value; null stays null only where the topic allows tombstones. ERR_VALUE_INVALID names the field. */
  encode(value: T): Buffer | null
  /**
   * The typed value. A promise only when the writer's schema has to be fetched first. ERR_UNDECODABLE for any bytes
   * that are not a value of this topic; a registry out of reach is ERR_BROKER_UNREACHABLE (retry).
   */
  decode(bytes: Buffer | null): T | Promise<T>
}
