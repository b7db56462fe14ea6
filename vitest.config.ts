import { defineConfig } from 'vitest/config';

/** Pure rules and formats: no server, no clock, no process. What fails here once is wrong, and is never run again. */
const PURE = ['test/domain/**/*.test.ts', 'test/proofs/*.test.ts'];

export default defineConfig({
  test: {
    globalSetup: ['test/support/build-first.ts'],
    pool: 'forks',
    // Servers, workers and browsers mostly wait, for each other and for time: three files keep two cores busy.
    maxWorkers: 3,
    // Nothing here asserts on speed: a machine that stands still for a minute must not fail a test.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 30_000,
    reporters: ['default'],
    projects: [
      { extends: true, test: { name: 'rules', include: PURE, isolate: false } },
      // Real servers, processes and browsers: `npm test` runs a file that failed a second time, alone, and names it.
      { extends: true, test: { name: 'real', include: ['test/**/*.test.ts'], exclude: PURE } },
    ],
  },
});
