// A field that stands twice in JSON is seen, wherever it stands and however it is written.
import { expect, test } from '@jest/globals';
import { namesTwice } from '../../src/core/audit/verification/exports/named-twice.ts';

const twice = (text: string) => namesTwice(text, JSON.parse(text));

test.each([
  '{}',
  '7',
  '"a:b"',
  '{"a":1}',
  ' { "a" : 1 , "b" : [ { "a" : ":" } , "c:" , null ] } ',
  '{"a":"\\"","b":"\\\\","c":"\\\\\\"b\\":1"}',
  '{"\\"":1,"\\\\":2,":":3,"":4}',
  '{"__proto__":{"a":1},"constructor":2}',
])('not in %s', (text) => expect(twice(text)).toBe(false));

test.each([
  '{"a":1,"a":1}',
  '{"a":1,"\\u0061":2}',
  '{"b":[{"a":{}},{"a":1,"a":2}]}',
  '{"\\\\":1,"b":"\\\\","\\\\":2}',
  '{"__proto__":1,"__proto__":2}',
  '{"a":{"b":1},"a":2}',
])('in %s', (text) => expect(twice(text)).toBe(true));
