import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build-first.ts'],
    pool: 'forks',
    // Two cores: servers, workers and browsers of two files at once would only wait for each other.
    maxWorkers: 2,
    // Nothing here asserts on speed: a machine that stands still for a minute must not fail a test.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 30_000,
    reporters: ['default'],
  },
});
