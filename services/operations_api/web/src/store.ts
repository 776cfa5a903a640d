// What the page knows. Whoever changes it names the topic; who shows that topic hears of it once a frame, however often
// it changed: five hundred changes a second are sixty drawings.

import { NO_FILTER, type Filter } from './alert_book.ts';
import type { Progress } from './acting.ts';
import { AssetBook, type AssetState } from './asset_book.ts';
import type { AlertRow, AssetRow, FeedList, Layer, LayerName, Me, StreamHealth, Target } from './contract.ts';
import type { Language } from './formats.ts';
import { levelsOf, stateOf, type Levels } from './levels.ts';
import type { Preferences, Theme } from './preferences.ts';
import type { StreamState } from './stream.ts';

export type Topic =
  | 'alerts' | 'assets' | 'targets' | 'feeds' | 'stream' | 'filter' | 'selection' | 'acting' | 'layers' | 'moment' | 'look';

export type Selected =
  | { what: 'asset'; kind: string; id: string }
  | { what: 'target'; id: string; subject: string | null }
  | { what: 'targets' }
  | null;

export interface Past {
  at: number;
  alerts: Map<string, AlertRow>;
  targets: Target[];
  complete: boolean;
}

export class Store {
  me: Me | null = null;
  readonly alerts = new Map<string, AlertRow>();
  alertsLoaded = false;
  readonly fresh = new Set<string>(); // alerts that came while nobody looked
  readonly touched = new Map<string, number>(); // how often something was heard of an alert, comments included
  readonly assets = new AssetBook();
  targets: Target[] = [];
  feeds: FeedList | null = null;
  stream: StreamState = 'connecting';
  heardAt = 0; // when the stream was last well, by this machine's clock
  health: StreamHealth | null = null;
  filter: Filter = NO_FILTER;
  openAlert: string | null = null;
  selected: Selected = null;
  readonly acting = new Map<string, Progress>();
  readonly layers = new Map<LayerName, Layer | 'failed' | 'loading'>();
  moment: number | null = null; // null: now
  past: Past | null = null; // what was known at `moment`, once it has come
  preferences: Preferences;
  language: Language;
  theme: Theme;

  #listeners = new Map<Topic, Set<() => void>>();
  #changed = new Set<Topic>();
  #scheduled = false;
  #levels: Levels | null = null;

  constructor(preferences: Preferences, language: Language, theme: Theme) {
    this.preferences = preferences;
    this.language = language;
    this.theme = theme;
  }

  on(topics: readonly Topic[], listener: () => void, signal: AbortSignal): void {
    for (const topic of topics) {
      const listeners = this.#listeners.get(topic) ?? new Set();
      this.#listeners.set(topic, listeners.add(listener));
      signal.addEventListener('abort', () => listeners.delete(listener), { once: true });
    }
  }

  changed(...topics: Topic[]): void {
    for (const topic of topics) this.#changed.add(topic);
    if (topics.includes('alerts') || topics.includes('moment')) this.#levels = null;
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      const listeners = new Set([...this.#changed].flatMap((topic) => [...(this.#listeners.get(topic) ?? [])]));
      this.#changed.clear();
      for (const listener of listeners) listener();
    });
  }

  /** Alerts of the moment that is looked at. */
  shownAlerts(): Map<string, AlertRow> {
    return this.moment === null ? this.alerts : (this.past?.alerts ?? new Map());
  }

  /** The worst open alert of each asset at the moment that is looked at; the same object until something changes. */
  levels(): Levels {
    this.#levels ??= levelsOf(this.assets.byKey, this.shownAlerts().values());
    return this.#levels;
  }

  stateOf(asset: AssetRow): AssetState {
    return stateOf(asset, this.levels(), this.moment !== null);
  }

  shownTargets(): Target[] {
    return this.moment === null ? this.targets : (this.past?.targets ?? []);
  }

  /** The moment that is looked at, in milliseconds. */
  at(): number {
    return this.moment ?? Date.now();
  }

  get mayAct(): boolean {
    return this.moment === null && (this.me?.may.includes('act') ?? false);
  }
}
