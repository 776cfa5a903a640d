import assert from 'node:assert/strict';
import { test } from 'node:test';

import { age, briefTime, clock, figure, fromLocalField, percent, toLocalField } from '../src/formats.ts';

const NOW = Date.parse('2026-07-01T12:00:00Z');
const ago = (seconds: number): string => age(NOW - seconds * 1000, NOW, 'en');

test('an age has its largest units', () => {
  assert.equal(ago(0), '0 s');
  assert.equal(ago(59), '59 s');
  assert.equal(ago(60), '1 min');
  assert.equal(ago(3_599), '59 min');
  assert.equal(ago(3_660), '1 h 1 min');
  assert.equal(ago(90_000), '1 d 1 h');
  assert.equal(age(NOW - 7_200_000, NOW, 'zh'), '2 小时');
  assert.equal(ago(-5), '0 s');
});

test('times are those of the district wherever the screen is', () => {
  assert.equal(clock('2026-07-01T16:30:05Z', 'en'), '00:30:05');
  assert.equal(briefTime('2026-07-01T02:00:00Z', NOW, 'en'), '10:00:00');
  assert.match(briefTime('2026-06-30T02:00:00Z', NOW, 'en'), /30\/06.*10:00/);
});

test('a local field and a moment turn into one another', () => {
  assert.equal(toLocalField(NOW), '2026-07-01T20:00');
  assert.equal(fromLocalField('2026-07-01T20:00'), NOW);
  assert.equal(fromLocalField(''), null);
});

test('figures keep what matters, missing is a dash', () => {
  assert.equal(figure(null, 'en'), '–');
  assert.equal(figure(Number.NaN, 'en'), '–');
  assert.equal(figure(0.0712, 'en'), '0.071');
  assert.equal(figure(1234.5, 'en'), '1,235');
  assert.equal(percent(0.934, 'en'), '93.4%');
});
