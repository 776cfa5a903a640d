// Where an answer of the API leads.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { followed } from '../src/api.ts';

test('a path of the API is followed with what it asks for already', () => {
  assert.equal(followed('/api/v1/indicators?id=tax&subject=a%26b', { limit: 24 }), 'indicators?id=tax&subject=a%26b&limit=24');
  assert.equal(
    followed('/api/v1/indicators?id=x&as_of=2026-07-01T08%3A00%3A00%2B00%3A00', { limit: 1 }),
    'indicators?id=x&as_of=2026-07-01T08%3A00%3A00%2B00%3A00&limit=1',
  );
});

test('what leads elsewhere is refused', () => {
  for (const path of ['https://elsewhere.example/api/v1/x', '//elsewhere.example/api/v1/x', '/docs/', '/api/v1/../../x', '/api/v1']) {
    assert.throws(() => followed(path, {}), /not of this API/, path);
  }
});
