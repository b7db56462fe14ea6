import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Dependencies point downwards only: client → workflows (types); workers → activities → proofs → domain. */
const layer = (files, forbidden, message) => ({
  files,
  rules: { 'no-restricted-imports': ['error', { patterns: forbidden.map((group) => ({ group: [group], message })) }] },
});

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.reseal/', 'test/histories/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'object-shorthand': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      // An interface that others implement asynchronously may be answered at once.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['**/*.mjs', 'bin/*.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly', setTimeout: 'readonly' } },
  },
  layer(
    ['domain/**'],
    ['node:*', '@temporalio/*', '../proofs/*', '../workflows/*', '../activities/*', '../workers/*', '../client/*'],
    'domain is pure',
  ),
  layer(
    ['proofs/**'],
    [
      'node:fs*',
      'node:net',
      'node:http*',
      '@temporalio/*',
      '../workflows/*',
      '../activities/*',
      '../workers/*',
      '../client/*',
    ],
    'proofs: bytes in, verdict out',
  ),
  layer(
    ['workflows/**'],
    ['node:*', '../proofs/*', '../activities/*', '../workers/*', '../client/*'],
    'workflows are deterministic: they see activity types in domain only',
  ),
  layer(
    ['activities/**'],
    ['**/workers/*', '**/client/*', '**/workflows/*', '**/deploy/*'],
    'activities know no worker, client or workflow',
  ),
  layer(['workers/**'], ['**/client/*', '**/deploy/*'], 'workers know no client'),
);
