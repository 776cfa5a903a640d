import assert from 'node:assert/strict';
import { test } from 'node:test';

import { stands } from '../src/views/targets.ts';

test('where a target stands is said where the verdict on its period does not say it', () => {
  assert.equal(stands({ status: 'met', standing: 'met' }), false);
  assert.equal(stands({ status: 'not_met', standing: 'missed' }), false);
  assert.equal(stands({ status: 'cannot_say', standing: 'cannot_say' }), false);
  assert.equal(stands({ status: 'cannot_say', standing: 'behind' }), true);
  assert.equal(stands({ status: 'met', standing: 'cannot_say' }), true);
});
