// Does what the page asks for: loads, follows the stream, sends actions. Knows no element.

import { afterAnswer, bodyOf, newKey } from './acting.ts';
import { newsOf, replaces, type News } from './alert_book.ts';
import type { Api } from './api.ts';
import type {
  ActionBody, AlertPage, AlertRow, AssetRow, FeedList, Layer, LayerName, Me, Silence, StreamHealth, Target,
} from './contract.ts';
import type { ServerEvent } from './sse.ts';
import type { Selected, Store } from './store.ts';
import { Stream, type StreamState } from './stream.ts';

const REFRESH_MS = 30_000;
const PAGE = 500;
const PAGES_MOST = 10;
const OPEN = 'open,acknowledged';
const ALL = 'open,acknowledged,closed,resolved,retracted';

export interface Listener {
  news(alert: AlertRow, news: News): void;
  caughtUp(): void;
  signedOut(): void;
}

export class Controller {
  readonly store: Store;
  readonly api: Api;
  #listener: Listener;
  #stream: Stream | null = null;
  #timer = 0;
  #loading: { alerts: AlertRow[]; assets: AssetRow[] } | null = null;
  #wasLost = false;
  #momentAsked = 0;

  constructor(store: Store, api: Api, listener: Listener) {
    this.store = store;
    this.api = api;
    this.#listener = listener;
    api.onSignedOut = () => this.#signedOut();
  }

  begin(me: Me): void {
    this.store.me = me;
    this.api.csrf = me.csrf;
    this.#stream = new Stream({ event: (event) => this.#event(event), state: (state, isResumed) => this.#streamState(state, isResumed) });
    void this.#stream.run();
    this.#timer = window.setInterval(() => void this.refresh(), REFRESH_MS);
    for (const layer of this.store.preferences.layers) void this.loadLayer(layer as LayerName);
  }

  end(): void {
    this.#stream?.stop();
    this.#stream = null;
    window.clearInterval(this.#timer);
    this.store.me = null;
    this.api.csrf = null;
  }

  #signedOut(): void {
    if (this.store.me === null) return;
    this.end();
    this.#listener.signedOut();
  }

  // ---- what comes in

  #streamState(state: StreamState, isResumed: boolean): void {
    if (this.store.stream === state) return;
    const before = this.store.stream;
    this.store.stream = state;
    if (state === 'live') {
      this.store.heardAt = Date.now();
      if (!this.store.alertsLoaded || !isResumed) void this.load();
      else void this.refresh();
      if (before === 'lost' && this.#wasLost) this.#listener.caughtUp();
      this.#wasLost = false;
    }
    if (state === 'lost' && before === 'live') {
      this.store.heardAt = Date.now();
      this.#wasLost = true;
    }
    this.store.changed('stream');
    if (state === 'refused') this.#signedOut();
  }

  #event({ event, data }: ServerEvent): void {
    this.store.heardAt = Date.now();
    switch (event) {
      case 'alert':
        this.takeAlert(JSON.parse(data) as AlertRow);
        break;
      case 'asset': {
        const { items } = JSON.parse(data) as { items: AssetRow[] };
        this.#loading?.assets.push(...items);
        this.store.assets.take(items);
        this.store.changed('assets');
        break;
      }
      case 'health':
        this.store.health = JSON.parse(data) as StreamHealth;
        this.store.changed('stream');
        break;
      case 'reset':
        void this.load();
        break;
      default:
    }
  }

  takeAlert(row: AlertRow): void {
    this.#loading?.alerts.push(row);
    const known = this.store.alerts.get(row.alert_id);
    const news = newsOf(row, known);
    if (news === 'stale') return;
    this.store.touched.set(row.alert_id, (this.store.touched.get(row.alert_id) ?? 0) + 1);
    this.store.alerts.set(row.alert_id, row);
    if (row.standing !== 'open') this.store.fresh.delete(row.alert_id);
    if (news !== 'changed') {
      this.store.fresh.add(row.alert_id);
      this.#listener.news(row, news);
    }
    this.store.changed('alerts');
  }

  /** Loads every list again; what the stream brings meanwhile is kept and put on top. */
  async load(): Promise<void> {
    if (this.#loading !== null) return;
    const loading = { alerts: [] as AlertRow[], assets: [] as AssetRow[] };
    this.#loading = loading;
    const [alerts, assets] = await Promise.all([
      this.#allAlerts({ standing: OPEN }),
      this.api.get<{ items: AssetRow[] }>('assets'),
    ]);
    this.#loading = null;
    if (alerts !== null) this.#replaceAlerts(alerts.items, loading.alerts);
    if (assets.value !== null) {
      this.store.assets.replace(assets.value.items);
      this.store.assets.take(loading.assets);
    }
    this.store.changed('alerts', 'assets');
    if (alerts === null) window.setTimeout(() => void this.load(), 3_000);
    await this.refresh();
  }

  #replaceAlerts(listed: readonly AlertRow[], meanwhile: readonly AlertRow[]): void {
    const { store } = this;
    const rows = new Map(listed.map((row) => [row.alert_id, row]));
    for (const row of meanwhile) if (replaces(row, rows.get(row.alert_id))) rows.set(row.alert_id, row);
    if (store.alertsLoaded) {
      for (const row of rows.values()) {
        const news = newsOf(row, store.alerts.get(row.alert_id));
        if (news === 'new' || news === 'worse' || news === 'reopened') this.#listener.news(row, news);
      }
    }
    const open = store.openAlert === null ? undefined : store.alerts.get(store.openAlert);
    if (open !== undefined && !rows.has(open.alert_id)) void this.#follow(open.alert_id);
    store.alerts.clear();
    for (const [id, row] of rows) store.alerts.set(id, row);
    store.alertsLoaded = true;
  }

  /** What became of the alert that somebody has open and that is in no list any more. */
  async #follow(alertId: string): Promise<void> {
    const reply = await this.api.get<AlertRow>(`alerts/${encodeURIComponent(alertId)}`);
    if (reply.value !== null) this.takeAlert(reply.value);
  }

  async #allAlerts(query: Record<string, string>): Promise<{ items: AlertRow[]; complete: boolean } | null> {
    const items: AlertRow[] = [];
    let cursor: string | null = null;
    let complete = true;
    for (let page = 0; page < PAGES_MOST; page += 1) {
      const reply: { value: AlertPage | null } = await this.api.get<AlertPage>('alerts', { ...query, limit: PAGE, cursor });
      if (reply.value === null) return null;
      items.push(...reply.value.items);
      complete &&= reply.value.complete;
      cursor = reply.value.next_cursor;
      if (cursor === null) break;
    }
    return { items, complete };
  }

  /** What has no stream: targets, health of feeds, layers. */
  async refresh(): Promise<void> {
    const [targets, feeds] = await Promise.all([
      this.api.get<{ items: Target[] }>('targets'),
      this.api.get<FeedList>('feeds'),
    ]);
    if (targets.value !== null) this.store.targets = targets.value.items;
    if (feeds.value !== null) this.store.feeds = feeds.value;
    this.store.changed('targets', 'feeds');
    if (this.store.moment === null) for (const layer of this.store.layers.keys()) void this.loadLayer(layer);
  }

  /** Ended alerts of the last days, for who asks for them. */
  async loadEnded(): Promise<void> {
    const reply = await this.api.get<AlertPage>('alerts', { standing: ALL, limit: PAGE });
    for (const row of reply.value?.items ?? []) {
      if (replaces(row, this.store.alerts.get(row.alert_id))) this.store.alerts.set(row.alert_id, row);
    }
    this.store.changed('alerts');
  }

  async loadLayer(name: LayerName): Promise<void> {
    const asked = this.store.moment;
    if (!this.store.layers.has(name)) this.store.layers.set(name, 'loading');
    const reply = await this.api.get<Layer>(`layers/${name}`, { as_of: asked === null ? null : new Date(asked).toISOString() });
    if (!this.store.layers.has(name) || this.store.moment !== asked) return;
    this.store.layers.set(name, reply.value ?? 'failed');
    this.store.changed('layers');
  }

  dropLayer(name: LayerName): void {
    this.store.layers.delete(name);
    this.store.changed('layers');
  }

  // ---- the past

  /** Shows a moment, null for now; of two that are asked for in turn only the last one is shown. */
  async look(moment: number | null): Promise<void> {
    const { store } = this;
    this.#momentAsked += 1;
    const asked = this.#momentAsked;
    store.moment = moment;
    store.past = null;
    store.changed('moment', 'alerts', 'targets', 'assets');
    const layers = [...store.layers.keys()].map((name) => this.loadLayer(name));
    if (moment !== null) {
      const as_of = new Date(moment).toISOString();
      const [alerts, targets] = await Promise.all([
        this.#allAlerts({ standing: OPEN, as_of }),
        this.api.get<{ items: Target[] }>('targets', { as_of }),
      ]);
      if (asked !== this.#momentAsked) return;
      const rows = new Map((alerts?.items ?? []).map((row) => [row.alert_id, row]));
      store.past = { at: moment, alerts: rows, targets: targets.value?.items ?? [], complete: alerts?.complete ?? false };
    }
    await Promise.all(layers);
    store.changed('moment', 'alerts', 'targets', 'assets');
  }

  // ---- what an operator does

  act(row: AlertRow, kind: ActionBody['kind'], more: { assignee?: string; words?: string } = {}): Promise<boolean> {
    return this.#send(row.alert_id, bodyOf(kind, row.seen, more), newKey());
  }

  async repeat(alertId: string): Promise<boolean> {
    const progress = this.store.acting.get(alertId);
    return progress?.step === 'failed' ? await this.#send(alertId, progress.body, progress.key) : false;
  }

  forget(alertId: string): void {
    this.store.acting.delete(alertId);
    this.store.changed('acting');
  }

  async #send(alertId: string, body: ActionBody, key: string): Promise<boolean> {
    const { acting } = this.store;
    if (acting.get(alertId)?.step === 'sending') return false;
    acting.set(alertId, { step: 'sending', body, key });
    this.store.changed('acting');
    const reply = await this.api.act(alertId, body, key);
    const alert = reply.value?.alert ?? reply.problem?.alert ?? null;
    const progress = afterAnswer({ body, key }, { status: reply.status, alert, problem: reply.problem });
    if (alert !== null) this.takeAlert(alert);
    if (progress.step === 'done') acting.delete(alertId);
    else acting.set(alertId, progress);
    this.store.changed('acting', 'alerts');
    return progress.step === 'done';
  }

  async silence(body: Silence): Promise<string | null> {
    const reply = await this.api.silence(body, newKey());
    return reply.status >= 200 && reply.status < 300 ? null : (reply.problem?.detail ?? reply.problem?.title ?? '');
  }

  /** Ends the silences that cover an alert's asset; null when that was done. */
  async endSilence(row: AlertRow): Promise<string | null> {
    const list = await this.api.get<{ items: Silence[] }>('silences');
    const covering = (list.value?.items ?? []).filter(({ scope, place }) => place === (scope === 'zone' ? row.zone : row.asset));
    for (const silence of covering) {
      const reply = await this.api.unsilence(silence.scope, silence.place, newKey());
      if (reply.status < 200 || reply.status >= 300) return reply.problem?.detail ?? '';
    }
    return list.value === null ? (list.problem?.detail ?? '') : null;
  }

  // ---- what is looked at

  select(selected: Selected): void {
    this.store.selected = selected;
    this.store.changed('selection');
  }

  /** Opens an alert that a link names, though it may be over and in no list. */
  async reveal(alertId: string): Promise<AlertRow | null> {
    if (!this.store.alerts.has(alertId)) {
      const reply = await this.api.get<AlertRow>(`alerts/${encodeURIComponent(alertId)}`);
      const row = reply.value;
      if (row !== null && replaces(row, this.store.alerts.get(alertId))) this.store.alerts.set(alertId, row);
    }
    this.openAlert(alertId);
    return this.store.alerts.get(alertId) ?? null;
  }

  openAlert(alertId: string | null): void {
    this.store.openAlert = alertId;
    if (alertId !== null) this.store.fresh.delete(alertId);
    this.store.changed('selection', 'alerts');
  }

  async signOut(): Promise<void> {
    await this.api.signOut();
    this.#signedOut();
  }
}
