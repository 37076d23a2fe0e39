import type { Connector } from './connector.ts'

/** A connector whose configuration's type is not known here. */
export type AnyConnector = Connector<Record<string, unknown>>

/** Every connector type and where it lives; loaded only when used. One line is the whole plug-in mechanism. */
const CONNECTOR_TYPES = {
  'file-source': async () => (await import('../../connectors/file-source/index.ts')).fileSource,
  'file-sink': async () => (await import('../../connectors/file-sink/index.ts')).fileSink,
  'webhook-source': async () => (await import('../../connectors/webhook-source/index.ts')).webhookSource,
  'webhook-sink': async () => (await import('../../connectors/webhook-sink/index.ts')).webhookSink,
} as const

export type ConnectorType = keyof typeof CONNECTOR_TYPES

export const connectorTypes = Object.keys(CONNECTOR_TYPES) as readonly ConnectorType[]

export async function loadConnectorType(type: ConnectorType): Promise<AnyConnector> {
  return await CONNECTOR_TYPES[type]()
}
