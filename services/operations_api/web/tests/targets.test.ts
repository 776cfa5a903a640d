import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Target } from '../src/contract.ts';
import { TARGET_STANDING } from '../src/states.generated.ts';
import { ordered } from '../src/views/targets.ts';

const one = (standing: string, feed: string | null): Target => ({ standing, feed }) as Target;

test('the worst stands in front, in the order of the boards, and what nothing measures behind', () => {
  const worstFirst = Object.keys(TARGET_STANDING);
  const given = [one('missed', null), ...worstFirst.map((standing) => one(standing, 'ev')).reverse()];
  assert.deepEqual(
    ordered(given).map((each) => [each.standing, each.feed]),
    [...worstFirst.map((standing) => [standing, 'ev']), ['missed', null]],
  );
});
