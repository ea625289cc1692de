/**
 * The house rules that a machine can check.
 *
 * Owns the rings: which folder may import which. Each rule's message says what to do instead.
 */
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const NODE = { regex: '^node:', message: 'This ring touches no Node built-in.' };
const others = (allowed: string): { regex: string; message: string } => ({
  regex: `^\\.\\.?/(?:\\.\\./)*(?!${allowed})(?:domain|workflows|activities|workers|starters|documents|report|demo|bench|test)/`,
  message: 'Imports point inward only: see "The map" in README.md.',
});
const packages = (allowed: string): { regex: string; message: string } => ({
  regex: `^(?!\\.|node:|(?:${allowed})$)`,
  message: 'This ring may not use this package.',
});

const CLOCKS = [
  { name: 'Date', message: 'Time is handed in: this ring reads no clock.' },
  { name: 'process', message: 'This ring knows no process.' },
  { name: 'setTimeout', message: 'This ring waits for nothing.' },
  { name: 'setInterval', message: 'This ring waits for nothing.' },
  { name: 'fetch', message: 'This ring does no I/O.' },
  { name: 'console', message: 'This ring does no I/O.' },
  { name: 'performance', message: 'Time is handed in: this ring reads no clock.' },
  { name: 'crypto', message: 'This ring draws no random number.' },
];
const CHANCE = [
  { object: 'Math', property: 'random', message: 'Chance is handed in, by a seed: see domain/random.ts.' },
];

export default defineConfig(
  { ignores: ['node_modules/', '.cache/'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['bin/*.mjs'] }, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNullish: true },
      ],
      // An async function without await is how a synchronous implementation keeps an asynchronous protocol.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' },
      ],
      // A stranger's JSON and a compiler's belief differ; checks at the border stay.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      'max-lines': ['error', { max: 300, skipComments: true, skipBlankLines: true }],
      'max-lines-per-function': ['error', { max: 70, skipComments: true, skipBlankLines: true }],
    },
  },
  {
    files: ['domain/**'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [NODE, others('domain'), packages('zod')] }],
      'no-restricted-globals': ['error', ...CLOCKS],
      'no-restricted-properties': ['error', ...CHANCE],
    },
  },
  {
    files: ['workflows/**'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            NODE,
            others('domain|workflows|activities'),
            {
              regex: '/activities/',
              allowTypeImports: true,
              message: 'Workflows know activities by their types only.',
            },
            packages('@temporalio/workflow|@temporalio/common'),
          ],
        },
      ],
      // `void` would let an activity go un-awaited: say what becomes of its failure.
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: false }],
      // Date and timers are Temporal's own in a workflow, and deterministic; the rest is not.
      'no-restricted-globals': ['error', ...CLOCKS.filter(({ name }) => name !== 'Date')],
      'no-restricted-properties': ['error', ...CHANCE],
    },
  },
  {
    files: ['activities/**'],
    rules: { 'no-restricted-imports': ['error', { patterns: [others('domain|activities')] }] },
  },
  {
    files: ['test/**', 'bench/**'],
    rules: {
      'max-lines-per-function': 'off',
      // node:test collects what it is handed.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite'] },
          ],
        },
      ],
    },
  },
  { files: ['**/*.mjs'], extends: [tseslint.configs.disableTypeChecked] },
);
