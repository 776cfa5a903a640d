import assert from 'node:assert/strict';
import { test } from 'node:test';

import { afterAnswer, bodyOf, mayRepeat, newKey } from '../src/acting.ts';
import { alertRow } from './rows.ts';

const SENT = { body: bodyOf('acknowledge', 2), key: 'k' };
const problem = (status: number) => ({ title: 'no', status });

test('exclusive actions say what was seen, a comment does not', () => {
  assert.deepEqual(bodyOf('assign', 1, { assignee: 'Li' }), { kind: 'assign', seen: 1, assignee: 'Li' });
  assert.deepEqual(bodyOf('comment', 1, { words: 'w' }), { kind: 'comment', words: 'w' });
});

test('done only when the API has said so', () => {
  assert.equal(afterAnswer(SENT, { status: 201, alert: alertRow(), problem: null }).step, 'done');
  assert.equal(afterAnswer(SENT, { status: 0, alert: null, problem: null }).step, 'failed');
});

test('who was overtaken is shown the alert as it stands', () => {
  const alert = alertRow({ seen: 3, standing: 'acknowledged' });
  assert.deepEqual(afterAnswer(SENT, { status: 409, alert, problem: problem(409) }), { step: 'overtaken', body: SENT.body, alert });
  assert.equal(afterAnswer(SENT, { status: 409, alert: null, problem: problem(409) }).step, 'failed');
});

test('what may not have arrived is repeated under its own key', () => {
  const lost = afterAnswer(SENT, { status: 0, alert: null, problem: null });
  assert.ok(mayRepeat(lost));
  assert.equal(lost.step === 'failed' && lost.key, 'k');
  assert.ok(mayRepeat(afterAnswer(SENT, { status: 503, alert: null, problem: problem(503) })));
  assert.ok(!mayRepeat(afterAnswer(SENT, { status: 422, alert: null, problem: problem(422) })));
});

test('a key is 32 hexadecimal digits', () => {
  assert.equal(newKey((bytes) => bytes.fill(10)), '0a'.repeat(16));
});
