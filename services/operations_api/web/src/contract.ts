// What the API says, as types: `GET /openapi.json` is the contract, this is the part of it that the page uses.

export type Severity = 'I' | 'II' | 'III' | 'IV';
export type Standing = 'open' | 'acknowledged' | 'closed' | 'resolved' | 'retracted';
export type Feed = 'ev' | 'water' | 'parking' | 'emergency' | 'tax';
export type Role = 'viewer' | 'operator' | 'plan-office' | 'integrator' | 'admin';
export type Time = string; // RFC 3339 with Z

export interface Me {
  id: string;
  name: string;
  role: Role;
  may: string[];
  csrf: string | null;
  grafana: string | null; // Grafana's address
}

export interface Mark {
  at: Time;
  by: string;
  by_name: string;
  words?: string;
}

export interface AlertRow {
  alert_id: string;
  revision: number;
  seen: number; // exclusive actions that counted
  standing: Standing;
  severity: Severity;
  event: string;
  rule: string;
  feed: Feed;
  lane: string;
  asset: string;
  place: string;
  zone: string | null;
  longitude: number | null;
  latitude: number | null;
  text_zh: string;
  text_en: string;
  observed_value: number | null;
  observed_unit: string;
  threshold: Threshold | null;
  started_at: Time;
  raised_at: Time;
  ended_at: Time | null;
  acknowledged: Mark | null;
  assignee: string | null;
  closed: Mark | null;
  escalated_at: Time | null;
  silenced_until: Time | null;
  suppression: { kind: string; by: string; until?: Time | null } | null;
  received_by: string[];
  url: string;
}

export interface Source {
  kind?: string;
  id?: string;
  version?: string;
  where?: string;
}

export interface Threshold {
  value: number | null;
  unit: string;
  comparator: string;
  source?: Source | null;
}

export interface AlertEvent {
  event: string;
  revision: number;
  at: Time;
  severity: Severity;
  text_zh: string;
  text_en: string;
}

export interface AlertAction {
  action_id: string;
  kind: string;
  at: Time;
  by: string;
  by_name: string;
  assignee?: string | null;
  words?: string;
}

export interface AlertDetail extends AlertRow {
  history: AlertEvent[];
  history_complete: boolean;
  actions: AlertAction[];
  grafana_url: string | null; // absolute
}

export interface AlertPage {
  items: AlertRow[];
  next_cursor: string | null;
  complete: boolean;
}

export interface EvidencePage {
  topic: string | null;
  items: { device_id: string; observed_at: Time; quality: string; values: Record<string, unknown> }[];
  missing: number[];
}

export type ActionKind = 'acknowledge' | 'assign' | 'comment' | 'close';

export interface ActionBody {
  kind: ActionKind;
  seen?: number;
  assignee?: string;
  words?: string;
}

export interface Silence {
  scope: 'asset' | 'zone';
  place: string;
  until: Time;
  words: string;
}

export interface AssetRow {
  kind: string;
  asset_id: string;
  feed: Feed | null;
  name_zh: string;
  name_en: string;
  parent_kind: string | null;
  parent_id: string | null;
  zone: string | null;
  longitude: number | null;
  latitude: number | null;
  approximate: boolean;
  capacity: number | null;
  capacity_unit: string | null;
  limit_value: number | null;
  limit_unit: string | null;
  state: string; // a word of its kind: `charging`, `full`; `unseen` while nothing was heard of it
  state_since: Time | null;
  value: number | null;
  unit: string | null;
  observed_at: Time | null;
  last_seen_at: Time | null;
  alert_severity: Severity | null;
  open_alerts: number;
}

export interface AssetDetail extends AssetRow {
  grafana_url: string | null;
}

export interface Series {
  field: string;
  unit: string;
  points: { at: Time; value: number | null; quality: string | null }[]; // null: of several readings
  limits: { name_zh: string; name_en: string; threshold: Threshold }[];
}

export interface AssetDay {
  since: Time;
  until: Time;
  series: Series[];
  changes: { at: Time; word: string }[];
  readings: number;
}

export interface Target {
  id: string;
  subject: string | null;
  subject_name: string | null;
  name_zh: string;
  name_en: string;
  feed: Feed | null;
  value: number | null;
  unit: string;
  target: number;
  comparator: string;
  status: 'met' | 'not_met' | 'cannot_say';
  status_reason: string;
  status_reason_zh: string | null;
  page: string;
  due: string | null;
  period_start: Time | null;
  period_end: Time | null;
  plan_id: string;
  plan_version: string;
  indicator: string | null; // a path in the API
  grafana_url: string | null; // absolute
  checked_by: 'stream' | 'reported';
  holds: 'cumulative' | 'at_end' | 'every_year' | null;
  standing: 'on_track' | 'behind' | 'met' | 'missed' | 'cannot_say';
  standing_reason: string;
  standing_reason_zh: string;
  standing_value: number | null;
  standing_on: string | null; // local day
  expected: number | null;
  expected_then: number | null;
  rate_needed: number | null; // a year
}

export interface IndicatorRow {
  id: string;
  subject: string;
  subject_name?: string | null;
  period_start: Time;
  period_end: Time;
  value: number | null;
  unit: string;
  status: 'met' | 'not_met' | 'cannot_say';
  status_reason: string;
  status_reason_zh: string | null;
  n: number;
  completeness: number;
  known_at?: Time | null;
}

export interface FigureRevision {
  figure_id: string;
  target: string;
  period_start: string; // local days
  period_end: string;
  revision: number; // from 0
  value: number;
  unit: string;
  source: { title: string; number: string; page: number | null; sha256: string | null };
  note: string;
  entered_by_name: string;
  entered_at: Time;
  confirmed_by: string | null; // null: it does not count yet
  confirmed_by_name: string | null;
  confirmed_at: Time | null;
}

export interface FeedRow {
  feed: Feed;
  registered: number;
  heard: number;
  last_seen_at: Time | null;
  readings_per_second: number | null;
  completeness: number | null;
}

export interface FeedList {
  items: FeedRow[];
  platform_alerts: number;
}

export interface StreamHealth {
  at: Time;
  parts: { name: string; well: boolean; since: Time; detail: string }[];
  assets_known_at: Time | null;
}

export type LayerName = 'coverage' | 'parking' | 'charging' | 'lakes';

export interface Layer extends GeoJSON.FeatureCollection {
  as_of: Time | null;
  summary: Record<string, unknown>;
}

export interface Problem {
  title: string;
  status: number;
  detail?: string;
  request_id?: string;
  alert?: AlertRow;
}
