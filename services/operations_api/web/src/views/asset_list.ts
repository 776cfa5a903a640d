// Every asset as a list: the way to them without a map, for keyboard and screen reader.

import { assetHash } from '../address.ts';
import type { App } from '../app.ts';
import { DRAWN_KINDS, keyOf, stateRank, type AssetState } from '../asset_book.ts';
import type { AssetRow } from '../contract.ts';
import { h, replaceChildren, setText } from '../dom.ts';
import { figure } from '../formats.ts';
import { markCanvas } from '../map/icons.ts';
import { feedWord, stateWord } from '../states.ts';

const MOST = 200;
const PAUSE_MS = 1_000;

export function assetList(app: App): HTMLElement {
  const { store, t } = app;
  const search = h('input', { class: 'search', attributes: { type: 'search', placeholder: t('asset_search'), 'aria-label': t('asset_search'), autocomplete: 'off' }, on: { input: () => draw() } });
  const count = h('p', { class: 'quiet pad' });
  const list = h('ul', { class: 'plain assets', attributes: { 'aria-label': t('assets') } });
  const pane = h('div', { class: 'asset-pane', attributes: { hidden: true } }, h('div', { class: 'filter-bar' }, search), count, h('div', { class: 'scroll' }, list));
  let drawn = '';
  const draw = (): void => {
    if (pane.hidden) return;
    const stateOf = (asset: AssetRow): AssetState => store.stateOf(asset);
    const rows = matching(app, search.value).sort((a, b) => stateRank(stateOf(a)) - stateRank(stateOf(b)) || nameOf(app, a).localeCompare(nameOf(app, b)));
    const key = JSON.stringify(rows.slice(0, MOST).map((asset) => [keyOf(asset), stateOf(asset), asset.value]));
    setText(count, rows.length === 0 ? t('assets_none') : t('assets_count', { n: rows.length }));
    if (key === drawn) return;
    drawn = key;
    const focused = document.activeElement?.getAttribute('href') ?? null;
    replaceChildren(list, ...rows.slice(0, MOST).map((asset) => h('li', {}, line(app, asset, stateOf(asset)))));
    if (focused !== null) list.querySelector<HTMLElement>(`a[href="${CSS.escape(focused)}"]`)?.focus();
  };
  let waiting = 0;
  store.on(['assets', 'alerts', 'moment'], () => {
    waiting ||= window.setTimeout(() => {
      waiting = 0;
      draw();
    }, PAUSE_MS);
  }, app.signal);
  pane.addEventListener('shown', draw);
  return pane;
}

function matching(app: App, text: string): AssetRow[] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== '');
  const found: AssetRow[] = [];
  for (const asset of app.store.assets.byKey.values()) {
    if (!DRAWN_KINDS.has(asset.kind)) continue;
    const all = [asset.name_zh, asset.name_en, asset.asset_id, app.tv('kind', asset.kind)].join('\n').toLowerCase();
    if (words.every((word) => all.includes(word))) found.push(asset);
  }
  return found;
}

function line(app: App, asset: AssetRow, state: AssetState): HTMLElement {
  const { language, theme } = app.store;
  const value = asset.value === null ? '' : ` · ${figure(asset.value, language)} ${app.tv('unit', asset.unit ?? '')}`;
  return h(
    'a',
    { class: 'asset-line', attributes: { href: assetHash(asset.kind, asset.asset_id) } },
    markCanvas(asset.feed, state, theme),
    h('span', {}, h('b', {}, nameOf(app, asset)), h('span', { class: 'quiet' }, ` ${app.tv('kind', asset.kind)} · ${feedWord(asset.feed, language)} · ${stateWord(state, language)}${value}`)),
  );
}

export function nameOf(app: App, asset: AssetRow): string {
  return app.store.language === 'zh' ? asset.name_zh : asset.name_en;
}
