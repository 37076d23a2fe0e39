/**
 * An Avro schema as JSON, readonly throughout so that `as const` literals fit. Attributes Avro does not know are kept.
 * The shape is loose on purpose: `parseSchema` says what is wrong and where, better than a type error can.
 */
export type AvroSchema = string | AvroSchemaObject | readonly AvroSchema[]

export interface AvroSchemaObject {
  readonly type: AvroSchema
  readonly [attribute: string]: unknown
}

/**
 * The TypeScript type of the values of an inline `as const` schema (or a generated module's).
 *
 * | Avro | TypeScript |
 * |---|---|
 * | null, boolean, string, int, float, double | null, boolean, string, number |
 * | long | number; refused at run time beyond ±(2^53 - 1) |
 * | long with `'drawbridge.js': 'bigint'` | bigint |
 * | bytes, fixed | Buffer |
 * | enum | union of its symbols |
 * | array, map | V[], Record<string, V> |
 * | record | object with every field, also those with a default |
 * | date (int) | string `YYYY-MM-DD` |
 * | timestamp-millis (long) | Date |
 * | timestamp-micros (long) | bigint, microseconds since the epoch |
 * | decimal (bytes, fixed) | string with exactly `scale` fraction digits, such as `12.50` |
 * | uuid (string) | string |
 *
 * Unions: each branch has a JavaScript kind: null, boolean, number, bigint, string (string, enum, date, decimal, uuid),
 * bytes (bytes, fixed), Date, array, object (record, map). If all kinds of a union differ, values are plain. If any two
 * are the same, every branch but null is wrapped as `{ 'branch name': value }`; the branch name is the full name of a
 * record, enum or fixed, and the Avro type's name of all others (Avro 1.12, JSON encoding). `unionIsWrapped` in
 * schema.ts is the same rule at run time.
 *
 * A schema known only as `AvroSchema` or `string` has values of type `unknown`.
 */
export type AvroValue<S> = AvroSchemaObject extends S ? unknown : Value<S, Definitions<S, ''>, ''>

interface Primitives {
  null: null
  boolean: boolean
  int: number
  long: number
  float: number
  double: number
  bytes: Buffer
  string: string
}

type FullName<Name, Space> = Name extends `${string}.${string}`
  ? Name
  : Name extends string
    ? Space extends ''
      ? Name
      : `${Space & string}.${Name}`
    : never

type SpaceOf<Full> = Full extends `${infer Head}.${infer Rest}`
  ? Rest extends `${string}.${string}`
    ? `${Head}.${SpaceOf<Rest>}`
    : Head
  : ''

type NameOf<S, Space> = S extends { readonly name: infer Name }
  ? FullName<Name, S extends { readonly namespace: infer Own } ? Own : Space>
  : never

/** Every named type below S, as a union of { full name, schema, the namespace its content lives in }. */
type Definitions<S, Space> = S extends readonly (infer Branch)[]
  ? Branch extends unknown
    ? Definitions<Branch, Space>
    : never
  : S extends { readonly type: 'record' | 'error'; readonly fields: readonly (infer Field)[] }
    ?
        | { full: NameOf<S, Space>; schema: S; space: SpaceOf<NameOf<S, Space>> }
        | FieldDefinitions<Field, SpaceOf<NameOf<S, Space>>>
    : S extends { readonly type: 'enum' | 'fixed' }
      ? { full: NameOf<S, Space>; schema: S; space: SpaceOf<NameOf<S, Space>> }
      : S extends { readonly type: 'array'; readonly items: infer Items }
        ? Definitions<Items, Space>
        : S extends { readonly type: 'map'; readonly values: infer Values }
          ? Definitions<Values, Space>
          : S extends { readonly type: infer Inner extends object }
            ? Definitions<Inner, Space>
            : never

type FieldDefinitions<Field, Space> = Field extends { readonly type: infer Type }
  ? Type extends string
    ? never
    : Definitions<Type, Space>
  : never

type Lookup<Name, Defs, Space> = Extract<Defs, { full: FullName<Name, Space> }>

type Value<S, Defs, Space> = S extends string
  ? string extends S
    ? unknown
    : S extends keyof Primitives
      ? Primitives[S]
      : Lookup<S, Defs, Space> extends { schema: infer Schema; space: infer Inner }
        ? Defined<Schema, Defs, Inner>
        : never
  : S extends readonly unknown[]
    ? UnionValue<S, Defs, Space>
    : S extends { readonly type: 'record' | 'error' | 'enum' | 'fixed' }
      ? Defined<S, Defs, SpaceOf<NameOf<S, Space>>>
      : S extends { readonly type: 'array'; readonly items: infer Items }
        ? Value<Items, Defs, Space>[]
        : S extends { readonly type: 'map'; readonly values: infer Values }
          ? Record<string, Value<Values, Defs, Space>>
          : S extends { readonly type: 'int'; readonly logicalType: 'date' }
            ? string
            : S extends { readonly type: 'long'; readonly logicalType: 'timestamp-millis' }
              ? Date
              : S extends
                    | { readonly type: 'long'; readonly logicalType: 'timestamp-micros' }
                    | { readonly type: 'long'; readonly 'drawbridge.js': 'bigint' }
                ? bigint
                : S extends { readonly type: 'bytes'; readonly logicalType: 'decimal' }
                  ? string
                  : S extends { readonly type: infer Inner }
                    ? Value<Inner, Defs, Space>
                    : unknown

/** A named type; Space is the namespace inside it. */
type Defined<S, Defs, Space> = S extends { readonly type: 'enum'; readonly symbols: readonly (infer Symbols)[] }
  ? Symbols
  : S extends { readonly type: 'fixed'; readonly logicalType: 'decimal' }
    ? string
    : S extends { readonly type: 'fixed' }
      ? Buffer
      : S extends { readonly fields: readonly (infer Fields)[] }
        ? {
            [Field in Fields as FieldName<Field>]: Field extends { readonly type: infer Type }
              ? Value<Type, Defs, Space>
              : never
          }
        : never

type FieldName<Field> = Field extends { readonly name: infer Name extends string } ? Name : never

type UnionValue<Branches extends readonly unknown[], Defs, Space> =
  IsWrapped<Branches, Defs, Space> extends true
    ? Wrapped<Branches[number], Defs, Space>
    : Plain<Branches[number], Defs, Space>

type Plain<Branch, Defs, Space> = Branch extends unknown ? Value<Branch, Defs, Space> : never

type Wrapped<Branch, Defs, Space> = Branch extends 'null' | { readonly type: 'null' }
  ? null
  : Branch extends unknown
    ? { [Name in BranchName<Branch, Space>]: Value<Branch, Defs, Space> }
    : never

type BranchName<Branch, Space> = Branch extends keyof Primitives
  ? Branch
  : Branch extends string
    ? FullName<Branch, Space>
    : Branch extends { readonly type: 'record' | 'error' | 'enum' | 'fixed' }
      ? NameOf<Branch, Space>
      : Branch extends { readonly type: infer Inner }
        ? Inner extends 'array' | 'map'
          ? Inner
          : BranchName<Inner, Space>
        : never

type IsWrapped<Branches, Defs, Space, Seen = never> = Branches extends readonly [infer First, ...infer Rest]
  ? Kind<First, Defs, Space> extends Seen
    ? true
    : IsWrapped<Rest, Defs, Space, Seen | Kind<First, Defs, Space>>
  : false

interface KindOfType {
  null: 'null'
  boolean: 'boolean'
  int: 'number'
  long: 'number'
  float: 'number'
  double: 'number'
  string: 'string'
  enum: 'string'
  bytes: 'bytes'
  fixed: 'bytes'
  array: 'array'
  map: 'object'
  record: 'object'
  error: 'object'
}

type Kind<S, Defs, Space> = S extends keyof Primitives
  ? KindOfType[S]
  : S extends string
    ? Lookup<S, Defs, Space> extends { schema: infer Schema }
      ? Kind<Schema, Defs, Space>
      : never
    : S extends
          | { readonly type: 'int'; readonly logicalType: 'date' }
          | { readonly type: 'bytes' | 'fixed'; readonly logicalType: 'decimal' }
      ? 'string'
      : S extends { readonly type: 'long'; readonly logicalType: 'timestamp-millis' }
        ? 'Date'
        : S extends
              | { readonly type: 'long'; readonly logicalType: 'timestamp-micros' }
              | { readonly type: 'long'; readonly 'drawbridge.js': 'bigint' }
          ? 'bigint'
          : S extends { readonly type: infer Type extends keyof KindOfType }
            ? KindOfType[Type]
            : S extends { readonly type: infer Inner }
              ? Kind<Inner, Defs, Space>
              : never
