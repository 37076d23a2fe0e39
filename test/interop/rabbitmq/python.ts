import { findPython as findPythonWith, type Python } from '../python.ts'

/** Independent of ours in every line: a client of the stream protocol and the compressors, from Python's index. */
export function findPython(): Promise<Python | string> {
  return findPythonWith({
    entry: 'python-rstream-1.1.1-cramjam-2.14.0',
    packages: ['rstream==1.1.1', 'cramjam==2.14.0'],
    programs: new URL('./programs/', import.meta.url),
  })
}
