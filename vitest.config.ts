import { defineConfig } from 'vitest/config';

export default defineConfig({
  // All processors: by default one is left idle, which on a machine with two is half of them.
  test: { include: ['test/**/*.test.ts'], testTimeout: 60_000, maxWorkers: '100%' },
});
