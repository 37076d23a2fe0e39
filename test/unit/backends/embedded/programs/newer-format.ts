// Makes a store of a format that is still to come: node newer-format.ts DIR.
import { FORMAT_KEY } from '../../../../../src/backends/embedded/keys.ts'
import { openLmdb } from '../../../../../src/backends/embedded/lmdb.ts'

const db = openLmdb(process.argv[2] ?? '', { readOnly: false })
db.transactionSync(() => db.putSync(FORMAT_KEY, Buffer.from('{"format":3}')))
await db.close()
