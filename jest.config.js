export default {
  rootDir: '.',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2023', parser: { syntax: 'typescript' } } }] },
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  maxWorkers: 2,
  // A worker that has run many files holds their modules and native handles; a fresh one begins where a file's own faults can be told apart.
  workerIdleMemoryLimit: '400MB',
  testTimeout: 180_000,
}
