const esmOnly = ['jose', 'openid-client', 'oauth4webapi', 'typebox', '@marcbachmann/cel-js'];

export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  // What takes over a minute has commands of its own (npm run test:soak, test:sim, test:faults).
  testPathIgnorePatterns: [
    '/node_modules/',
    '<rootDir>/test/soak/',
    '<rootDir>/test/simulation/long/',
    '<rootDir>/test/faults/(?!short/)',
  ],
  transform: {
    '^.+\\.[jt]s$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
    // typebox ships only .mjs
    '^.+\\.mjs$': ['@swc/jest', { jsc: { target: 'es2022' }, module: { type: 'commonjs' } }],
  },
  transformIgnorePatterns: [`/node_modules/(?!(?:${esmOnly.join('|')})/)`],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  // Real programs come up in seconds, more of them on a busy machine; a test that hangs still ends.
  testTimeout: 60_000,
  coverageProvider: 'v8',
};
