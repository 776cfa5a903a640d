// Layers that can be laid over the map, what they say, and what the marks mean.

import type { App } from '../app.ts';
import type { AssetState } from '../asset_book.ts';
import type { LayerName } from '../contract.ts';
import { append, h, replaceChildren } from '../dom.ts';
import { briefTime, figure, percent } from '../formats.ts';
import { markCanvas } from '../map/icons.ts';
import { overlayWords } from '../map/overlays.ts';
import { feedWord, lakeClassColour, lakeClassWord, stateWord } from '../states.ts';

export const LAYERS: readonly LayerName[] = ['coverage', 'parking', 'charging', 'lakes'];
const STATES: readonly AssetState[] = ['I', 'II', 'III', 'IV', 'ok', 'unseen'];
const FEEDS = ['emergency', 'water', 'parking', 'ev', 'tax'] as const;
const LINES_MOST = 8;

export function layersPanel(app: App, keep: (layers: LayerName[]) => void): HTMLElement {
  const { store, t } = app;
  const list = h('div', { class: 'layer-list' });
  const draw = (): void => {
    const focused = list.contains(document.activeElement) ? document.activeElement?.id : null;
    replaceChildren(list, ...LAYERS.map((name) => layer(app, name, keep)));
    if (focused !== null && focused !== undefined) document.getElementById(focused)?.focus();
  };
  store.on(['layers'], draw, app.signal);
  draw();
  return h(
    'details',
    { class: 'layers map-box' },
    h('summary', {}, t('layers')),
    h('div', { class: 'map-box-body', attributes: { tabindex: 0, role: 'region', 'aria-label': t('layers') } }, list, legend(app)),
  );
}

function layer(app: App, name: LayerName, keep: (layers: LayerName[]) => void): HTMLElement {
  const { store, t, controller } = app;
  const id = `layer-${name}`;
  const on = store.layers.has(name);
  const box = h('input', {
    id,
    attributes: { type: 'checkbox', checked: on },
    on: {
      change: () => {
        if (box.checked) void controller.loadLayer(name);
        else controller.dropLayer(name);
        store.changed('layers');
        keep([...store.layers.keys()]);
      },
    },
  });
  const element = h('div', { class: 'layer' }, h('label', { class: 'check', attributes: { for: id } }, box, h('span', {}, t(`layer_${name}`))));
  const found = store.layers.get(name);
  if (found === undefined) return element;
  if (found === 'loading' || found === 'failed') {
    append(element, h('p', { class: 'quiet' }, t(found === 'loading' ? 'loading' : 'layer_failed')));
    return element;
  }
  if (name === 'coverage') append(element, coverageWords(app, found.summary));
  const words = overlayWords(app, name, found);
  if (words.length === 0 && found.as_of === null) append(element, h('p', { class: 'quiet' }, t('layer_none')));
  append(element, h('ul', { class: 'layer-words' }, ...words.slice(0, LINES_MOST).map((each) => h('li', {}, each))));
  if (found.as_of !== null) append(element, h('p', { class: 'quiet' }, t('as_of', { time: briefTime(found.as_of, Date.now(), store.language) })));
  return element;
}

function coverageWords(app: App, summary: Record<string, unknown>): HTMLElement | null {
  const share = summary['share'];
  if (typeof share !== 'number') return null;
  const missing = summary['uncovered_people'];
  const people = typeof missing === 'number' ? ` · ${app.t('coverage_gap')}: ${app.t('people', { n: figure(missing, app.store.language) })}` : '';
  return h('p', {}, app.t('coverage_share', { share: percent(share, app.store.language) }), people);
}

function legend(app: App): HTMLElement {
  const { language, theme } = app.store;
  const dot = (value: number): HTMLElement => {
    const swatch = h('span', { class: 'swatch', attributes: { 'aria-hidden': 'true' } });
    swatch.style.backgroundColor = lakeClassColour(value);
    return swatch;
  };
  return h(
    'div',
    { class: 'legend' },
    h('h3', {}, app.t('legend')),
    h('ul', { class: 'plain' }, ...STATES.map((state) => h('li', {}, markCanvas('unknown', state, theme), stateWord(state, language)))),
    h('ul', { class: 'plain' }, ...FEEDS.map((feed) => h('li', {}, markCanvas(feed, 'ok', theme), feedWord(feed, language)))),
    h('ul', { class: 'plain' }, ...[1, 2, 3, 4, 5, 6].map((value) => h('li', {}, dot(value), `${app.t('layer_lakes')} ${lakeClassWord(value, language)}`))),
    h('p', { class: 'quiet' }, app.t('map_note')),
  );
}
