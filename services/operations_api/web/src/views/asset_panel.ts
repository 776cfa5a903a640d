// One asset: how it is, its last day with the limits drawn, its alerts, the quality of its data, its board.

import type { App } from '../app.ts';
import type { AlertPage, AssetDay, AssetDetail, AssetRow } from '../contract.ts';
import { append, h, replaceChildren, setText, type Child } from '../dom.ts';
import { briefTime, figure, percent } from '../formats.ts';
import { markCanvas } from '../map/icons.ts';
import { drawnOf, type Drawn } from '../series.ts';
import { feedWord, severityWord, stateWord } from '../states.ts';
import { nameOf } from './asset_list.ts';
import { boardLink } from './board_link.ts';
import { seriesCharts } from './charts.ts';

const CHANGES_MOST = 12;

export async function assetPanel(app: App, body: HTMLElement, kind: string, id: string, signal: AbortSignal): Promise<void> {
  const { store, t, controller } = app;
  const path = `assets/${encodeURIComponent(kind)}/${encodeURIComponent(id)}`;
  const until = store.moment === null ? null : new Date(store.moment).toISOString();
  const head = h('div', { class: 'asset-head' });
  const day = h('section', {}, h('h3', {}, t('last_day')), h('p', {}, t('loading')));
  const alerts = h('section', {}, h('h3', {}, t('asset_alerts')), h('p', {}, t('loading')));
  const board = h('div', {});
  const heading = h('h2', { attributes: { tabindex: -1 } }, id);
  replaceChildren(body, heading, head, board, day, alerts);

  const draw = (): void => {
    const asset = store.assets.byKey.get(`${kind}/${id}`);
    if (asset === undefined) return;
    setText(heading, nameOf(app, asset));
    replaceChildren(head, ...headOf(app, asset));
  };
  draw();
  store.on(['assets', 'alerts'], draw, signal);

  const [detail, readings, past] = await Promise.all([
    controller.api.get<AssetDetail>(path),
    controller.api.get<AssetDay>(`${path}/day`, { until }),
    controller.api.get<AlertPage>(`${path}/alerts`, { limit: 20 }),
  ]);
  if (signal.aborted) return;
  if (detail.value !== null) {
    store.assets.take([detail.value]);
    draw();
    append(board, boardLink(app, detail.value.grafana_url));
  }
  drawDay(app, day, readings.value, signal);
  drawAlerts(app, alerts, past.value);
}

function headOf(app: App, asset: AssetRow): Child[] {
  const { t, tv, store } = app;
  const { language } = store;
  const when = (time: string | null): string => (time === null ? '–' : briefTime(time, Date.now(), language));
  const zone = asset.zone === null ? undefined : store.assets.byKey.get(`zone/${asset.zone}`);
  const fact = (name: string, value: string | null): Child[] => (value === null ? [] : [h('dt', {}, name), h('dd', {}, value)]);
  return [
    h(
      'p',
      { class: 'state-line' },
      markCanvas(asset.feed, store.stateOf(asset), store.theme),
      h('b', {}, stateWord(store.stateOf(asset), language)),
      store.moment === null && tv('word', asset.state) !== asset.state ? ` ${tv('word', asset.state)}` : '',
      asset.state_since === null ? '' : ` ${t('state_since', { time: when(asset.state_since) })}`,
    ),
    h(
      'p',
      { class: 'quiet' },
      [tv('kind', asset.kind), feedWord(asset.feed, language), zone === undefined ? '' : nameOf(app, zone), asset.approximate ? t('approximate') : ''].filter(Boolean).join(' · '),
    ),
    h(
      'dl',
      { class: 'facts' },
      ...fact(t('last_value'), asset.value === null ? null : `${figure(asset.value, language)} ${tv('unit', asset.unit ?? '')}${asset.observed_at === null ? '' : ` (${t('measured_at', { time: when(asset.observed_at) })})`}`),
      ...fact(t('capacity'), asset.capacity === null ? null : `${figure(asset.capacity, language)} ${tv('unit', asset.capacity_unit ?? '')}`),
      ...fact(t('own_limit'), asset.limit_value === null ? null : `${figure(asset.limit_value, language)} ${tv('unit', asset.limit_unit ?? '')}`),
    ),
  ];
}

function drawDay(app: App, section: HTMLElement, day: AssetDay | null, signal: AbortSignal): void {
  const { t } = app;
  const drawn = drawnOf(day?.series ?? []);
  replaceChildren(section, h('h3', {}, t('last_day')));
  if (day === null) return append(section, h('p', {}, t('no_day')));
  if (drawn.length === 0 && day.changes.length === 0) return append(section, h('p', {}, t('no_readings')));
  append(section, h('p', { class: 'quiet' }, `${t('quality')}: ${qualityOf(app, drawn)} · ${t('readings_of_day', { n: figure(day.readings, app.store.language) })}`));
  append(section, seriesCharts(app, drawn, day, signal), changesOf(app, day));
}

function qualityOf(app: App, drawn: readonly Drawn[]): string {
  const points = drawn.reduce((sum, each) => sum + each.times.length, 0);
  const doubtful = drawn.reduce((sum, each) => sum + each.doubtful, 0);
  return app.t('quality_good', { share: percent(points === 0 ? null : 1 - doubtful / points, app.store.language) });
}

/** Words that an asset said of itself: states of a connector, of an ambulance. */
function changesOf(app: App, day: AssetDay): HTMLElement | null {
  if (day.changes.length === 0) return null;
  const newest = day.changes.slice(-CHANGES_MOST).reverse();
  return h(
    'ol',
    { class: 'plain story-lines' },
    ...newest.map((change) => h('li', {}, h('time', { attributes: { datetime: change.at } }, briefTime(change.at, Date.now(), app.store.language)), ' ', app.tv('word', change.word))),
  );
}

function drawAlerts(app: App, section: HTMLElement, page: AlertPage | null): void {
  const { t, tv, store, controller } = app;
  const items = page?.items ?? [];
  replaceChildren(section, h('h3', {}, t('asset_alerts')));
  if (page === null || items.length === 0) return append(section, h('p', {}, page === null ? t('no_answer') : t('asset_no_alerts')));
  append(
    section,
    h(
      'ul',
      { class: 'plain' },
      ...items.map((row) =>
        h(
          'li',
          {},
          h(
            'button',
            {
              class: 'alert-line',
              attributes: { type: 'button', 'data-severity': row.severity },
              on: {
                click: () => {
                  controller.takeAlert(row);
                  controller.openAlert(row.alert_id);
                },
              },
            },
            h('b', {}, severityWord(row.severity, store.language)),
            ` ${tv('standing', row.standing)} · ${briefTime(row.started_at, Date.now(), store.language)} · `,
            store.language === 'zh' ? row.text_zh : row.text_en,
          ),
        ),
      ),
    ),
    page.complete ? null : h('p', { class: 'quiet' }, t('partial')),
  );
}
