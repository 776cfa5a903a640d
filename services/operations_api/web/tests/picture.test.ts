import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AssetBook, inView, looksDifferent } from '../src/asset_book.ts';
import { parse as parseAddress, write as writeAddress } from '../src/address.ts';
import { assetFeatures, bearing, chargingFeatures, coverageFeatures, lakeClasses, withHeads } from '../src/map/overlays.ts';
import { difference, levelsOf, stateOf } from '../src/levels.ts';
import { languageOf, parse as parsePreferences } from '../src/preferences.ts';
import { drawnOf, spanOf } from '../src/series.ts';
import { momentOf, STEPS, stepOf } from '../src/views/time_bar.ts';
import { alertRow, assetRow } from './rows.ts';

test('a change of value alone draws nothing anew', () => {
  const book = new AssetBook();
  book.replace([assetRow()]);
  assert.equal(book.takeChanged(), 'all');
  book.take([assetRow({ value: 500 })]);
  assert.deepEqual([...book.takeChanged()], []);
  book.take([assetRow({ value: 500, longitude: 114.25 })]);
  assert.deepEqual([...book.takeChanged()], ['site/site-cbd-east']);
  assert.deepEqual([...book.takeChanged()], []);
  assert.equal(looksDifferent(assetRow({ kind: 'cell' }), undefined), false);
});

test('the keyboard goes through assets in view, the worst first', () => {
  const assets = [
    assetRow({ asset_id: 'south', latitude: 30.58 }), assetRow({ asset_id: 'north', latitude: 30.62 }),
    assetRow({ asset_id: 'bad', latitude: 30.59 }), assetRow({ asset_id: 'far', longitude: 115 }),
  ];
  const bounds = { west: 114.2, south: 30.5, east: 114.3, north: 30.7 };
  assert.deepEqual(inView(assets, bounds, (asset) => (asset.asset_id === 'bad' ? 'I' : 'ok')).map((asset) => asset.asset_id), ['bad', 'north', 'south']);
});

test('an asset is as bad as the worst alert that stands open, its own or of what belongs to it', () => {
  const assets = [
    assetRow(), assetRow({ kind: 'connector', asset_id: 'ev-1', parent_kind: 'site', parent_id: 'site-cbd-east' }), assetRow({ asset_id: 'other' }),
  ];
  const levels = levelsOf(new Map(assets.map((asset) => [`${asset.kind}/${asset.asset_id}`, asset])), [
    alertRow({ asset: 'ev-1', severity: 'III' }), alertRow({ asset: 'site-cbd-east', severity: 'IV' }),
    alertRow({ asset: 'other', severity: 'I', standing: 'resolved' }), alertRow({ asset: 'nowhere' }),
  ]);
  assert.deepEqual(Object.fromEntries(levels), { 'site/site-cbd-east': 'III', 'connector/ev-1': 'III' });
});

test('parents that name each other end', () => {
  const a = assetRow({ asset_id: 'a', parent_kind: 'site', parent_id: 'b' });
  const b = assetRow({ asset_id: 'b', parent_kind: 'site', parent_id: 'a' });
  assert.equal(levelsOf(new Map([['site/a', a], ['site/b', b]]), [alertRow({ asset: 'a', severity: 'I' })]).get('site/b'), 'I');
});

test('what was never heard is only known of today', () => {
  const asset = assetRow({ state: 'unseen' });
  assert.equal(stateOf(asset, new Map(), false), 'unseen');
  assert.equal(stateOf(asset, new Map(), true), 'ok');
  assert.equal(stateOf(asset, new Map([['site/site-cbd-east', 'II']]), false), 'II');
});

test('only levels that differ are drawn anew', () => {
  const before = new Map([['a', 'I'], ['b', 'II'], ['c', 'III']] as const);
  const after = new Map([['a', 'I'], ['b', 'I'], ['d', 'IV']] as const);
  assert.deepEqual([...difference(before, after)].sort(), ['b', 'c', 'd']);
});

test('features carry the state of the moment that is looked at', () => {
  const [feature] = assetFeatures([assetRow(), assetRow({ kind: 'street' })], () => 'II', 'en');
  assert.deepEqual(feature?.properties, { key: 'site/site-cbd-east', feed: 'ev', state: 'II', rank: 1, name: 'CBD East Plaza' });
});

test('a line gets a head that points where it leads', () => {
  assert.equal(Math.round(bearing([114.25, 30.6], [114.25, 30.7])), 0);
  assert.equal(Math.round(bearing([114.25, 30.6], [114.35, 30.6])), 90);
  const line: GeoJSON.Feature = { type: 'Feature', geometry: { type: 'LineString', coordinates: [[114.25, 30.6], [114.25, 30.5]] }, properties: { drivers: 3 } };
  const found = withHeads({ type: 'FeatureCollection', features: [line], as_of: null, summary: {} });
  assert.deepEqual(found.features[1]?.properties, { drivers: 3, bearing: 180 });
});

test('loads become tenths of the limit, never below nothing nor beyond the scale', () => {
  const site = (load: unknown, limit: unknown): GeoJSON.Feature => ({ type: 'Feature', geometry: { type: 'Point', coordinates: [0, 0] }, properties: { load_kw: load, limit_kw: limit } });
  const layer = { type: 'FeatureCollection' as const, features: [site(500, 1000), site(5000, 1000), site(null, 1000), site(10, 0)], as_of: null, summary: {} };
  assert.deepEqual(chargingFeatures(layer, 'en').features.map((feature) => feature.properties?.['tenths']), [5, 12, 0, 0]);
});

test('a lake whose class cannot be said keeps its water', () => {
  const lake = (id: string, value: unknown): GeoJSON.Feature => ({ type: 'Feature', geometry: { type: 'Point', coordinates: [0, 0] }, properties: { lake: id, class: value } });
  assert.deepEqual(lakeClasses({ type: 'FeatureCollection', features: [lake('a', 4), lake('b', null)], as_of: null, summary: {} }), [['a', 4]]);
});

test('one picture an item: each limit once, gaps where a reading says nothing, those with limits in front', () => {
  const source = { id: 'GB 3838-2002', where: 'table 1' };
  const limit = { name_zh: '', name_en: '', threshold: { value: 6, unit: 'mg/l', comparator: '<=', source } };
  const at = (minute: number): string => `2026-07-01T04:0${minute}:00Z`;
  const points = [{ at: at(2), value: 7, quality: 'good' }, { at: at(0), value: 5, quality: 'good' }, { at: at(1), value: null, quality: 'fault' }];
  const [drawn, ...rest] = drawnOf([
    { field: 'ph', unit: '', points: [{ at: at(0), value: 7, quality: 'good' }], limits: [] },
    { field: 'codmn_mg_l', unit: 'mg/l', points, limits: [limit, limit] },
    { field: 'tn_mg_l', unit: 'mg/l', points: [{ at: at(0), value: null, quality: 'good' }], limits: [limit] },
  ]);
  assert.deepEqual(rest.map((each) => each.field), ['ph']);
  assert.deepEqual(drawn?.values, [5, null, 7]);
  assert.deepEqual(drawn?.limits, [{ label: '≤ 6 (GB 3838-2002, table 1)', value: 6 }]);
  assert.deepEqual([drawn?.least, drawn?.most, drawn?.newest, drawn?.doubtful], [5, 7, 7, 1]);
});

test('a cell without cover is a square of 300 m around its centre', () => {
  const cell: GeoJSON.Feature = { type: 'Feature', geometry: { type: 'Point', coordinates: [114.25, 30.6] }, properties: { kind: 'gap', population: 12 } };
  const [square] = coverageFeatures({ type: 'FeatureCollection', features: [cell], as_of: null, summary: {} }).features;
  const ring = square?.geometry.type === 'Polygon' ? (square.geometry.coordinates[0] as [number, number][]) : [];
  assert.equal(ring.length, 5);
  assert.equal(Math.round(((ring[2]?.[1] ?? 0) - (ring[0]?.[1] ?? 0)) * 111_195), 300);
  assert.deepEqual(square?.properties, { kind: 'gap', population: 12 });
});

test('the span shows near limits and no far ones', () => {
  const [low, high] = spanOf({ least: 5, most: 7, limits: [{ label: '', value: 8 }, { label: '', value: 500 }] });
  assert.ok(low > 4 && low < 5 && high > 8 && high < 9);
  assert.equal(spanOf({ least: 0, most: 10, limits: [] })[0], 0);
});

test('the address names what is open, and nothing else gets in', () => {
  const id = '0123456789abcdef0123456789abcdef';
  assert.equal(parseAddress(`#alert=${id}`, '').alert, id);
  assert.equal(parseAddress('', `?alert=${id}`).alert, id);
  assert.equal(parseAddress('#alert=<script>', '').alert, null);
  assert.equal(parseAddress('#login=a.b', '').login, 'a.b');
  assert.deepEqual(parseAddress('#asset=lake/houxiang', '').selected, { what: 'asset', kind: 'lake', id: 'houxiang' });
  assert.deepEqual(parseAddress('#target=water.class', '').selected, { what: 'target', id: 'water.class', subject: null });
  assert.equal(parseAddress('#asset=lake', '').selected, null);
  for (const selected of [{ what: 'asset', kind: 'site', id: 'a b' }, { what: 'target', id: 'x', subject: 's' }, { what: 'targets' }, null] as const) {
    assert.deepEqual(parseAddress(writeAddress(id, selected), '').selected, selected);
  }
});

test('what was kept is read as choices of ours or not at all', () => {
  assert.deepEqual(parsePreferences('{"language":"xx","sound":"yes","layers":[1,"lakes"]}').layers, ['lakes']);
  assert.equal(parsePreferences('{"language":"xx"}').language, null);
  assert.equal(parsePreferences('no json').flash, true);
  assert.equal(parsePreferences(null).sound, false);
  assert.equal(languageOf(null, ['de-DE', 'en-US', 'zh-CN']), 'en');
  assert.equal(languageOf(null, ['de-DE']), 'zh');
  assert.equal(languageOf('en', ['zh-CN']), 'en');
});

test('the slider covers thirty days in quarters of an hour; its right end is now', () => {
  const now = Date.parse('2026-07-01T12:07:00Z');
  assert.equal(momentOf(STEPS, now), null);
  assert.equal(momentOf(STEPS - 1, now), Date.parse('2026-07-01T12:00:00Z'));
  assert.equal(momentOf(0, now), Date.parse('2026-06-01T12:15:00Z'));
  for (const step of [0, 1, 1000, STEPS - 1]) assert.equal(stepOf(momentOf(step, now), now), step);
  assert.equal(stepOf(0, now), 0);
  assert.equal(stepOf(null, now), STEPS);
});
