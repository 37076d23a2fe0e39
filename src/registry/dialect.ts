import { DrawbridgeError } from '../core/errors.ts'

/** Media type of answers. Source: Confluent, "Schema Registry API Reference". */
export const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json'

/** Error codes of Confluent's REST dialect; an error's `details.errorCode` carries one where it has one. */
export const DIALECT = {
  subjectUnknown: 40401,
  versionUnknown: 40402,
  schemaUnknown: 40403,
  subjectDeleted: 40404,
  subjectNotDeleted: 40405,
  versionDeleted: 40406,
  versionNotDeleted: 40407,
  noSubjectLevel: 40408,
  noSubjectMode: 40409,
  incompatible: 409,
  schemaInvalid: 42201,
  versionInvalid: 42202,
  levelInvalid: 42203,
  modeInvalid: 42204,
  readOnly: 42205,
  store: 50001,
  unreachable: 50003,
} as const

export function subjectUnknown(subject: string): DrawbridgeError {
  return new DrawbridgeError('ERR_SCHEMA_UNKNOWN', `the registry has no subject ${JSON.stringify(subject)}`, {
    details: { subject, errorCode: DIALECT.subjectUnknown },
  })
}

export function versionUnknown(subject: string, version: number | string): DrawbridgeError {
  return new DrawbridgeError('ERR_SCHEMA_UNKNOWN', `subject ${subject} has no version ${version}`, {
    details: { subject, version, errorCode: DIALECT.versionUnknown },
  })
}

export function idUnknown(id: number, where: string): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_SCHEMA_UNKNOWN',
    `schema id ${id} is not in ${where}; the record was written with another registry, or is not Avro`,
    { details: { id, errorCode: DIALECT.schemaUnknown } },
  )
}

export function schemaUnknownUnder(subject: string): DrawbridgeError {
  return new DrawbridgeError('ERR_SCHEMA_UNKNOWN', `subject ${subject} has no such schema`, {
    details: { subject, errorCode: DIALECT.schemaUnknown },
  })
}

/** A subject that follows the registry in this. */
export function noneOfItsOwn(what: 'config' | 'mode', subject: string): DrawbridgeError {
  const level = what === 'config'
  return new DrawbridgeError(
    'ERR_SCHEMA_UNKNOWN',
    `subject ${subject} has no ${level ? 'compatibility level' : 'mode'} of its own; it follows the registry`,
    { details: { subject, errorCode: level ? DIALECT.noSubjectLevel : DIALECT.noSubjectMode } },
  )
}

export function incompatible(subject: string, differences: readonly string[], level: string | null): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_SCHEMA_INCOMPATIBLE',
    `subject ${subject}: the new schema breaks the compatibility level${level === null ? '' : ` ${level}`}: ${differences.join('; ')}. Give new fields a default, or use another topic`,
    { details: { subject, differences, errorCode: DIALECT.incompatible } },
  )
}

export function readOnly(subject: string | null): DrawbridgeError {
  return new DrawbridgeError(
    'ERR_REGISTRY_READ_ONLY',
    `${subject === null ? 'the registry' : `subject ${subject}`} is in read-only mode; nothing was changed. Set the mode to READWRITE first`,
    { details: { subject, errorCode: DIALECT.readOnly } },
  )
}
