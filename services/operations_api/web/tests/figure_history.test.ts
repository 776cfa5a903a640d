import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { FigureRevision } from '../src/contract.ts';
import { asKnown } from '../src/views/figure_history.ts';

function revision(more: Partial<FigureRevision>): FigureRevision {
  return {
    figure_id: 'f', target: 'green.coverage', period_start: '2024-01-01', period_end: '2024-12-31', revision: 0, value: 30, unit: '%',
    source: { title: '公报', number: '', page: null, sha256: null }, note: '', entered_by_name: 'Li', entered_at: '2025-01-10T00:00:00Z',
    confirmed_by: 'wang', confirmed_by_name: 'Wang', confirmed_at: '2025-01-20T00:00:00Z', ...more,
  };
}

test('the newest period stands in front, and its newest revision first', () => {
  const rows = [revision({}), revision({ revision: 1 }), revision({ period_start: '2025-01-01', period_end: '2025-12-31' })];
  assert.deepEqual(
    asKnown(rows, Number.POSITIVE_INFINITY).map((row) => [row.period_end, row.revision]),
    [['2025-12-31', 0], ['2024-12-31', 1], ['2024-12-31', 0]],
  );
});

test('the past has what had been entered by then, and no confirmation that came later', () => {
  const rows = [revision({}), revision({ revision: 1, entered_at: '2025-03-01T00:00:00Z' })];
  assert.deepEqual(asKnown(rows, Date.parse('2025-01-15T00:00:00Z')).map((row) => [row.revision, row.confirmed_at]), [[0, null]]);
  assert.deepEqual(asKnown(rows, Date.parse('2025-01-20T00:00:00Z')).map((row) => row.confirmed_by_name), ['Wang']);
  assert.deepEqual(asKnown(rows, Date.parse('2025-01-09T00:00:00Z')), []);
});
