import assert from 'node:assert/strict';
import { test } from 'node:test';

import { counts, newsOf, NO_FILTER, replaces, shown } from '../src/alert_book.ts';
import { alertRow } from './rows.ts';

test('an older word never replaces a newer one', () => {
  const known = alertRow({ revision: 3, seen: 1 });
  assert.equal(replaces(alertRow({ revision: 2, seen: 5 }), known), false);
  assert.equal(replaces(alertRow({ revision: 3, seen: 0 }), known), false);
  assert.equal(replaces(alertRow({ revision: 3, seen: 1 }), known), true);
  assert.equal(replaces(alertRow({ revision: 4, seen: 0 }), known), true);
  assert.equal(replaces(alertRow(), undefined), true);
});

test('only what is new, worse or open again is news', () => {
  const known = alertRow({ severity: 'III' });
  assert.equal(newsOf(alertRow(), undefined), 'new');
  assert.equal(newsOf(alertRow({ standing: 'resolved' }), undefined), 'changed');
  assert.equal(newsOf(alertRow({ revision: 1, severity: 'I' }), known), 'worse');
  assert.equal(newsOf(alertRow({ revision: 1, severity: 'IV' }), known), 'changed');
  assert.equal(newsOf(alertRow({ revision: 2 }), alertRow({ standing: 'closed' })), 'reopened');
  assert.equal(newsOf(alertRow({ revision: 0 }), alertRow({ revision: 1 })), 'stale');
  assert.equal(newsOf(alertRow({ suppression: { kind: 'maintenance', by: 'w-1' } }), undefined), 'changed');
});

test('the worst stands first, then what nobody has taken, then the oldest', () => {
  const mark = { at: '2026-07-01T05:00:00Z', by: 'li', by_name: 'Li' };
  const rows = [
    alertRow({ alert_id: 'a', severity: 'III' }),
    alertRow({ alert_id: 'b', severity: 'I', acknowledged: mark, standing: 'acknowledged' }),
    alertRow({ alert_id: 'c', severity: 'I', started_at: '2026-07-01T05:00:00Z' }),
    alertRow({ alert_id: 'd', severity: 'I', started_at: '2026-07-01T04:30:00Z' }),
    alertRow({ alert_id: 'e', severity: 'I', standing: 'resolved' }),
  ];
  assert.deepEqual(shown(rows, NO_FILTER, 'Li').map((row) => row.alert_id), ['d', 'c', 'b', 'a']);
  assert.deepEqual(shown(rows, { ...NO_FILTER, ended: true }, 'Li').map((row) => row.alert_id), ['d', 'c', 'b', 'a', 'e']);
});

test('filters by feed, severity, zone, mine and words join', () => {
  const rows = [
    alertRow({ alert_id: 'a', feed: 'water', severity: 'I', zone: null, place: '后襄河' }),
    alertRow({ alert_id: 'b', assignee: 'Li' }),
  ];
  const ids = (filter: object): string[] => shown(rows, { ...NO_FILTER, ...filter }, 'Li').map((row) => row.alert_id);
  assert.deepEqual(ids({ feeds: new Set(['water']) }), ['a']);
  assert.deepEqual(ids({ severities: new Set(['II']) }), ['b']);
  assert.deepEqual(ids({ zones: new Set(['']) }), ['a']);
  assert.deepEqual(ids({ mine: true }), ['b']);
  assert.deepEqual(ids({ text: '后襄 负荷' }), ['a']);
  assert.deepEqual(ids({ text: 'LOAD ev.' }), ['a', 'b']);
  assert.deepEqual(ids({ text: 'nothing' }), []);
});

test('suppressed and ended alerts are not counted', () => {
  const rows = [alertRow(), alertRow({ standing: 'closed' }), alertRow({ suppression: { kind: 'inhibited', by: 'x' } })];
  assert.deepEqual(counts(rows), { I: 0, II: 1, III: 0, IV: 0 });
});
