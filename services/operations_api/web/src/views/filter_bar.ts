// Which alerts are shown: by feed, severity, zone, mine, and words.

import { NO_FILTER, type Filter } from '../alert_book.ts';
import type { App } from '../app.ts';
import type { Feed, Severity } from '../contract.ts';
import { h, replaceChildren, setAttribute, setText } from '../dom.ts';
import { feedWord, severityWord } from '../states.ts';

const FEEDS: readonly Feed[] = ['emergency', 'water', 'parking', 'ev', 'tax'];
const LEVELS: readonly Severity[] = ['I', 'II', 'III', 'IV'];

export function filterBar(app: App): HTMLElement {
  const { store, t } = app;
  const set = (more: Partial<Filter>): void => {
    const next = { ...store.filter, ...more };
    store.filter = active(next) === 0 && next.text === '' ? NO_FILTER : next;
    store.changed('filter');
  };
  const search = h('input', {
    class: 'search', id: 'alert-search',
    attributes: { type: 'search', placeholder: t('filter_text'), 'aria-label': t('filter_text'), autocomplete: 'off' },
    on: { input: () => set({ text: search.value }) },
  });
  const box = h('div', { class: 'filters', id: 'filters', attributes: { hidden: true } });
  const button = h('button', {
    class: 'button', attributes: { type: 'button', 'aria-expanded': 'false', 'aria-controls': 'filters' },
    on: {
      click: () => {
        box.hidden = !box.hidden;
        setAttribute(button, 'aria-expanded', String(!box.hidden));
      },
    },
  });
  const draw = (): void => {
    const n = active(store.filter);
    setText(button, n === 0 ? t('filter') : t('filter_active', { n }));
    if (search.value !== store.filter.text) search.value = store.filter.text;
    const focused = box.contains(document.activeElement) ? document.activeElement?.getAttribute('data-key') : null;
    replaceChildren(box, ...groups(app, set));
    if (focused !== null && focused !== undefined) box.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  };
  let zones = '';
  store.on(['filter'], draw, app.signal);
  store.on(['assets'], () => {
    const now = zonesOf(app).map(([id]) => id).join();
    if (now === zones) return;
    zones = now;
    draw();
  }, app.signal);
  draw();
  return h('div', { class: 'filter-bar', attributes: { role: 'search' } }, h('div', { class: 'filter-line' }, search, button), box);
}

function active(filter: Filter): number {
  return filter.feeds.size + filter.severities.size + filter.zones.size + Number(filter.mine) + Number(filter.ended);
}

function groups(app: App, set: (more: Partial<Filter>) => void): HTMLElement[] {
  const { store, t } = app;
  const { filter, language } = store;
  const toggle = <T>(known: ReadonlySet<T>, value: T): Set<T> => {
    const next = new Set(known);
    if (!next.delete(value)) next.add(value);
    return next;
  };
  const pill = (key: string, words: string, on: boolean, act: () => void): HTMLElement =>
    h('button', { class: 'pill', attributes: { type: 'button', 'aria-pressed': String(on), 'data-key': key }, on: { click: act } }, words);
  const group = (words: string, ...pills: HTMLElement[]): HTMLElement =>
    h('div', { class: 'pill-group', attributes: { role: 'group', 'aria-label': words } }, h('span', { class: 'pill-label' }, words), ...pills);
  return [
    group(t('filter_severity'), ...LEVELS.map((level) => pill(`s-${level}`, severityWord(level, language), filter.severities.has(level), () => set({ severities: toggle(filter.severities, level) })))),
    group(t('filter_feed'), ...FEEDS.map((feed) => pill(`f-${feed}`, feedWord(feed, language), filter.feeds.has(feed), () => set({ feeds: toggle(filter.feeds, feed) })))),
    group(t('filter_zone'), ...[...zonesOf(app), ['', t('no_zone')] as const].map(([id, name]) => pill(`z-${id}`, name, filter.zones.has(id), () => set({ zones: toggle(filter.zones, id) })))),
    group(
      t('filter'),
      pill('mine', t('filter_mine'), filter.mine, () => set({ mine: !filter.mine })),
      pill('ended', t('filter_ended'), filter.ended, () => {
        if (!filter.ended && store.moment === null) void app.controller.loadEnded();
        set({ ended: !filter.ended });
      }),
      pill('clear', t('filter_clear'), false, () => set({ ...NO_FILTER, text: '' })),
    ),
  ];
}

function zonesOf(app: App): [string, string][] {
  const found: [string, string][] = [];
  for (const asset of app.store.assets.byKey.values()) {
    if (asset.kind === 'zone') found.push([asset.asset_id, app.store.language === 'zh' ? asset.name_zh : asset.name_en]);
  }
  return found.sort(([a], [b]) => a.localeCompare(b));
}
