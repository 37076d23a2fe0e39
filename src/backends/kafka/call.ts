import type { ByteReader } from './bytes.ts'

/** One request of Kafka's protocol and how its answer is read. */
export interface Call<T> {
  readonly key: number
  readonly version: number
  readonly name: string
  /** Header version 2 (KIP-482). */
  readonly flexible?: boolean
  readonly body: Buffer
  read(reader: ByteReader): T
}
