// The list that an operator works from.

import { counts, NO_FILTER, shown } from '../alert_book.ts';
import type { App } from '../app.ts';
import type { AlertRow, Severity } from '../contract.ts';
import { h, reconcile, replaceChildren, setText } from '../dom.ts';
import { severityWord } from '../states.ts';
import { AlertCard } from './alert_card.ts';
import { filterBar } from './filter_bar.ts';

const SHOWN_AT_FIRST = 100;
const LEVELS: readonly Severity[] = ['I', 'II', 'III', 'IV'];

export function alertList(app: App): HTMLElement {
  const { store } = app;
  const cards = new Map<string, AlertCard>();
  const elements = new Map<string, Element>();
  const list = h('ol', { class: 'alerts', id: 'alert-list', attributes: { tabindex: -1, 'aria-label': app.t('alerts') } });
  const empty = h('p', { class: 'quiet pad' });
  const more = h('button', { class: 'button wide', attributes: { type: 'button' }, on: { click: () => grow() } });
  const summary = h('p', { class: 'level-counts', attributes: { 'aria-label': app.t('alerts') } });
  let most = SHOWN_AT_FIRST;
  let opened: string | null = null;
  const grow = (): void => {
    most += SHOWN_AT_FIRST;
    draw();
  };

  const draw = (): void => {
    const all = store.shownAlerts();
    const filter = withOpenAlert(store.openAlert, all, shown(all.values(), store.filter, store.me?.name ?? ''));
    const rows = filter.slice(0, most);
    reconcile(list, rows, (row) => row.alert_id, elements, (row) => {
      const card = new AlertCard(app, row);
      cards.set(row.alert_id, card);
      return card.element;
    });
    for (const id of cards.keys()) if (!elements.has(id)) cards.delete(id);
    for (const row of rows) cards.get(row.alert_id)?.update(row);
    if (store.openAlert !== opened && (store.openAlert === null || elements.has(store.openAlert))) {
      opened = store.openAlert;
      if (opened !== null) elements.get(opened)?.scrollIntoView({ block: 'nearest' });
    }
    more.hidden = filter.length <= most;
    setText(more, app.t('more', { n: Math.min(SHOWN_AT_FIRST, filter.length - most) }));
    const loaded = store.moment === null ? store.alertsLoaded : store.past !== null;
    empty.hidden = rows.length > 0;
    setText(empty, !loaded ? app.t('loading') : store.filter === NO_FILTER ? app.t('none_open') : app.t('none_match'));
    drawCounts(app, summary, all.values());
  };
  store.on(['alerts', 'filter', 'acting', 'selection', 'moment'], draw, app.signal);

  const tick = window.setInterval(() => {
    for (const card of cards.values()) card.tick();
  }, 1_000);
  app.signal.addEventListener('abort', () => window.clearInterval(tick));
  draw();
  return h('div', { class: 'alert-pane' }, filterBar(app), summary, h('div', { class: 'scroll' }, list, empty, more));
}

/** The alert that somebody has opened stays in sight though it has ended or a filter hides it. */
function withOpenAlert(open: string | null, all: ReadonlyMap<string, AlertRow>, rows: AlertRow[]): AlertRow[] {
  const row = open === null ? undefined : all.get(open);
  return row === undefined || rows.includes(row) ? rows : [row, ...rows];
}

function drawCounts(app: App, element: HTMLElement, rows: Iterable<AlertRow>): void {
  const found = counts(rows);
  const key = LEVELS.map((level) => found[level]).join();
  if (element.dataset['key'] === key) return;
  element.dataset['key'] = key;
  replaceChildren(
    element,
    ...LEVELS.map((level) =>
      h(
        'span',
        { class: 'level', attributes: { 'data-severity': level, title: severityWord(level, app.store.language) } },
        h('span', { class: 'numeral' }, level),
        h('b', {}, found[level]),
      ),
    ),
  );
}

/** The alert before or behind the open one, as they stand in the list; pure of the page's state but its order. */
export function neighbour(list: Element, open: string | null, step: 1 | -1): string | null {
  const ids = [...list.querySelectorAll<HTMLElement>(':scope > [data-alert]')].map((each) => each.dataset['alert'] ?? '');
  if (ids.length === 0) return null;
  const at = open === null ? -1 : ids.indexOf(open);
  const next = at < 0 ? (step === 1 ? 0 : ids.length - 1) : Math.min(ids.length - 1, Math.max(0, at + step));
  return ids[next] ?? null;
}
