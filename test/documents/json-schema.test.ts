import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { documentJsonSchema } from '../../documents/json-schema.ts';
import { catalogue, complaints, VALID } from './experiment.ts';
import { WRONG } from './wrong.ts';

const accepts = new Ajv2020({ strict: false, allErrors: true }).compile(documentJsonSchema(catalogue));

test('the JSON Schema accepts the document that uses every key', () => {
  assert.equal(accepts(parse(VALID)), true, JSON.stringify(accepts.errors));
});

test('the JSON Schema accepts a program, and not one that is misspelt', () => {
  const program = 'program: a\ncadences: [{ cadence: b, every: 10m, pool: [c, { experiment: d, draw: { e: [1ms, 2] } }] }]';
  assert.equal(accepts(parse(program)), true, JSON.stringify(accepts.errors));
  for (const wrong of [program.replace('every', 'evrey'), program.replace('pool: [c,', 'pool: [C C,'), 'program: a'])
    assert.equal(accepts(parse(wrong)), false, wrong);
});

test('what the JSON Schema refuses, Squall refuses', () => {
  const readable = WRONG.flatMap(({ what, replace, by }) => {
    const text = VALID.replace(replace, by);
    try {
      return [{ what, text, value: parse(text, { logLevel: 'silent' }) as unknown }];
    } catch {
      return [];
    }
  });
  const refused = readable.filter(({ value }) => !accepts(value));
  for (const { what, text } of refused) assert.ok(complaints(text).length > 0, what);
  // An editor cannot know every rule; names, keys, types and required parts it must.
  for (const what of ['a misspelt key', 'a misspelt fault', 'a misspelt parameter', 'no site', 'no hold', 'a misspelt abort', 'a selector key that the provider does not know'])
    assert.ok(refused.some((wrong) => wrong.what === what), what);
});
