// Draws series with uPlot: lines, limits across, and the same as a table for who does not see the picture.

import uPlot from 'uplot';

import type { App } from '../app.ts';
import type { AssetDay } from '../contract.ts';
import { h, type Child } from '../dom.ts';
import { clock, figure } from '../formats.ts';
import { spanOf, type Drawn } from '../series.ts';

const SHOWN_AT_FIRST = 3;
const HEIGHT = 150;
const TABLE_ROWS = 100;
const LINE = { light: '#0b57d0', dark: '#8ab4f8' } as const;

export function seriesCharts(app: App, drawn: readonly Drawn[], day: AssetDay, signal: AbortSignal): HTMLElement {
  const box = h('div', { class: 'charts' });
  const add = (each: Drawn): void => {
    box.append(chart(app, each, day, signal));
  };
  drawn.slice(0, SHOWN_AT_FIRST).forEach(add);
  const rest = drawn.slice(SHOWN_AT_FIRST);
  if (rest.length === 0) return box;
  const more = h(
    'button',
    {
      class: 'button wide',
      attributes: { type: 'button' },
      on: {
        click: () => {
          more.remove();
          rest.forEach(add);
        },
      },
    },
    app.t('fields_more', { n: rest.length }),
  );
  return h('div', {}, box, more);
}

function chart(app: App, drawn: Drawn, day: AssetDay, signal: AbortSignal): HTMLElement {
  const { language } = app.store;
  const name = app.tv('field', drawn.field);
  const about = app.t('series_about', {
    field: name, n: drawn.times.length, min: figure(drawn.least, language), max: figure(drawn.most, language), last: figure(drawn.newest, language), unit: drawn.unit,
  });
  const place = h('div', { class: 'plot', attributes: { role: 'img', 'aria-label': about } });
  const limits = drawn.limits.map((limit) => limit.label).join('; ');
  const element = h(
    'figure',
    { class: 'chart' },
    h('figcaption', {}, h('b', { attributes: { title: drawn.field } }, name), drawn.unit === '' ? '' : ` ${drawn.unit}`, ` · ${figure(drawn.newest, language)}`, drawn.doubtful === 0 ? '' : ` · ${app.t('doubtful', { n: drawn.doubtful })}`, limits === '' ? null : h('span', { class: 'limit-words' }, ` ${app.t('limit')} ${limits}`)),
    place,
    table(app, drawn),
  );
  // The width is known once the element stands in the page.
  const watcher = new ResizeObserver(([entry]) => {
    const width = Math.floor(entry?.contentRect.width ?? 0);
    if (width < 50) return;
    if (plot === null) plot = new uPlot({ ...options(app, drawn, day), width, height: HEIGHT }, dataOf(drawn), place);
    else if (plot.width !== width) plot.setSize({ width, height: HEIGHT });
  });
  let plot: uPlot | null = null;
  watcher.observe(place);
  signal.addEventListener('abort', () => {
    watcher.disconnect();
    plot?.destroy();
  });
  return element;
}

function dataOf(drawn: Drawn): uPlot.AlignedData {
  const limits = drawn.limits.map((limit) => drawn.times.map(() => limit.value));
  return [drawn.times, drawn.values, ...limits];
}

function options(app: App, drawn: Drawn, day: AssetDay): Omit<uPlot.Options, 'width' | 'height'> {
  const { language, theme } = app.store;
  const text = theme === 'light' ? '#3a4552' : '#c3ccd5';
  const grid = theme === 'light' ? '#e3e8ee' : '#2a333d';
  const limit = theme === 'light' ? '#c4162a' : '#ff6b81';
  const span = spanOf(drawn);
  const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font: '11px system-ui, sans-serif' };
  return {
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { x: { time: true, range: [Date.parse(day.since) / 1000, Date.parse(day.until) / 1000] }, y: { range: span } },
    axes: [
      { ...axis, space: 60, values: (_, times) => times.map((time) => clock(time * 1000, language, false)) },
      { ...axis, size: 52, values: (_, values) => values.map((value) => figure(value, language)) },
    ],
    series: [
      {},
      { label: drawn.field, stroke: LINE[theme], width: 1.5, spanGaps: false, points: { show: drawn.times.length < 60, size: 4 } },
      ...drawn.limits.map((each) => ({ label: each.label, stroke: limit, width: 1.5, dash: [6, 4], points: { show: false } })),
    ],
  };
}

/** The newest readings as a table, made when it is opened. */
function table(app: App, drawn: Drawn): HTMLElement {
  const { language } = app.store;
  const details = h('details', {}, h('summary', {}, app.t('series_table')));
  details.addEventListener('toggle', () => {
    if (!details.open || details.childElementCount > 1) return;
    const rows: Child[] = [];
    for (let index = drawn.times.length - 1; index >= 0 && rows.length < TABLE_ROWS; index -= 1) {
      rows.push(h('tr', {}, h('td', {}, clock((drawn.times[index] ?? 0) * 1000, language)), h('td', {}, `${figure(drawn.values[index], language)} ${drawn.unit}`)));
    }
    details.append(
      h(
        'div',
        { class: 'table-scroll', attributes: { tabindex: 0, role: 'region', 'aria-label': drawn.field } },
        h('table', {}, h('thead', {}, h('tr', {}, h('th', { attributes: { scope: 'col' } }, app.t('time')), h('th', { attributes: { scope: 'col' } }, drawn.field))), h('tbody', {}, ...rows)),
      ),
    );
  });
  return details;
}
