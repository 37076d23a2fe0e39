import { DrawbridgeError, readProperty } from '../core/errors.ts'
import { type Answer, unreachable } from './confluent-answer.ts'
import { DIALECT, incompatible, readOnly, subjectUnknown, versionUnknown } from './dialect.ts'
import { parseReferences, type ReferringSchema } from './schema-references.ts'

/** A schema of another kind can never be read here, so that its records are set aside and not waited for. */
export function avroOf(what: string, answer: Answer): ReferringSchema {
  const schema = readProperty(answer.json, 'schema')
  const type = readProperty(answer.json, 'schemaType') ?? 'AVRO'
  const references = parseReferences(readProperty(answer.json, 'references'))
  if (typeof schema !== 'string' || references === null) throw unexpected(answer)
  if (type === 'AVRO') return { schema, references }
  throw new DrawbridgeError('ERR_SCHEMA_UNKNOWN', `${what} is ${JSON.stringify(type)}, not Avro`)
}

/** The list that was asked for. */
export function listOf(answer: Answer): readonly unknown[] {
  if (answer.errorCode !== null) throw refusal(answer, null)
  if (Array.isArray(answer.json)) return answer.json
  throw unexpected(answer)
}

/** The registry says that there is no such thing. */
export function isAbsent({ errorCode }: Answer): boolean {
  const codes: readonly number[] = [DIALECT.subjectUnknown, DIALECT.versionUnknown, DIALECT.schemaUnknown]
  return errorCode !== null && codes.includes(errorCode)
}

/** A subject that has no level or mode of its own. */
export function hasNone({ errorCode }: Answer): boolean {
  const codes: readonly number[] = [DIALECT.subjectUnknown, DIALECT.noSubjectLevel, DIALECT.noSubjectMode]
  return errorCode !== null && codes.includes(errorCode)
}

/** What the registry refuses, as our error. */
export function refusal(answer: Answer, subject: string | null, version?: number | 'latest'): DrawbridgeError {
  const { errorCode, message } = answer
  const details = { subject, errorCode }
  const told = `${subject === null ? 'the registry' : `subject ${subject}`}: ${message} (${errorCode})`
  switch (errorCode) {
    case DIALECT.subjectUnknown:
      return subjectUnknown(subject ?? '')
    case DIALECT.versionUnknown:
      return versionUnknown(subject ?? '', version ?? '')
    case DIALECT.incompatible:
      return incompatible(subject ?? '', [message], null)
    case DIALECT.readOnly:
      return readOnly(subject)
    case DIALECT.schemaUnknown:
    case DIALECT.subjectDeleted:
    case DIALECT.versionDeleted:
      return new DrawbridgeError('ERR_SCHEMA_UNKNOWN', told, { details })
    case DIALECT.schemaInvalid:
    case 422:
      return new DrawbridgeError('ERR_SCHEMA_INVALID', told, { details })
    default:
      return new DrawbridgeError('ERR_CONFIG', told, { details })
  }
}

/** An answer in the dialect that does not say what was asked: as good as none. */
export function unexpected({ host, status, errorCode, message }: Answer): DrawbridgeError {
  const what = errorCode === null ? 'an answer of another shape' : `error ${errorCode} ${message}`
  return unreachable({ host, reason: `gives ${what} (status ${status})`, again: false })
}
