// Rows for tests, whole and unremarkable: a test says what matters to it.
import type { AlertRow, AssetRow } from '../src/contract.ts';

export function alertRow(more: Partial<AlertRow> = {}): AlertRow {
  return {
    alert_id: '0123456789abcdef0123456789abcdef', revision: 0, seen: 0, standing: 'open', severity: 'II', event: 'raised',
    rule: 'ev.site_load', feed: 'ev', lane: 'live', asset: 'site-cbd-east', place: 'CBD 东广场', zone: 'cbd', longitude: 114.2415,
    latitude: 30.6, text_zh: '负荷超过限值', text_en: 'Load above the limit', observed_value: 1010, observed_unit: 'kW',
    threshold: { value: 1000, unit: 'kW', comparator: '<=', source: { id: 'ev', version: '1', where: 'table 1' } },
    started_at: '2026-07-01T04:00:00Z', raised_at: '2026-07-01T04:01:00Z', ended_at: null, acknowledged: null, assignee: null,
    closed: null, escalated_at: null, silenced_until: null, suppression: null, received_by: [], url: '/map/#alert=0123',
    ...more,
  };
}

export function assetRow(more: Partial<AssetRow> = {}): AssetRow {
  return {
    kind: 'site', asset_id: 'site-cbd-east', feed: 'ev', name_zh: 'CBD 东广场', name_en: 'CBD East Plaza', parent_kind: null,
    parent_id: null, zone: 'cbd', longitude: 114.2415, latitude: 30.6, approximate: true, capacity: 16, capacity_unit: 'connectors',
    limit_value: 1000, limit_unit: 'kW', state: 'idle', state_since: null, value: 400, unit: 'kW', observed_at: '2026-07-01T04:00:00Z',
    last_seen_at: '2026-07-01T04:00:00Z', alert_severity: null, open_alerts: 0,
    ...more,
  };
}
