import { availableParallelism } from 'node:os';

// Two projects: `unit` needs nothing but the code; `servers` has a PostgreSQL and a Redis, which the run starts itself
// (test/support/global-setup.mjs) once a test of it is among those that run.
const own = '<rootDir>/test/support/jest';
const shared = {
  testEnvironment: `${own}/environment.cjs`,
  runtime: `${own}/runtime.cjs`,
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, module: { type: 'es6' } },
    ],
  },
  extensionsToTreatAsEsm: ['.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.data'],
};

export default {
  testTimeout: 120_000,
  maxWorkers: Math.min(Math.max(2, availableParallelism()), 8), // more would keep those waiting that measure time
  workerIdleMemoryLimit: '1GB',
  testSequencer: `${own}/sequencer.mjs`,
  reporters: ['default', `${own}/slowest.mjs`],
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/test/unit/**/*.test.ts'] },
    {
      ...shared,
      displayName: 'servers',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: ['<rootDir>/test/unit/', '/node_modules/'],
      globalSetup: '<rootDir>/test/support/global-setup.mjs',
      globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
    },
  ],
};
