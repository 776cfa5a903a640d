// The page as a whole: what stands where, on a wide screen and on a phone.

import type { App } from '../app.ts';
import type { LayerName } from '../contract.ts';
import { h, setAttribute } from '../dom.ts';
import { alertList } from './alert_list.ts';
import { assetList } from './asset_list.ts';
import { banners } from './banners.ts';
import { header } from './header.ts';
import { layersPanel } from './layers_panel.ts';
import { MapPane } from './map_pane.ts';
import { panel } from './panel.ts';
import { targetStrip } from './targets.ts';
import { timeBar } from './time_bar.ts';

type View = 'alerts' | 'assets' | 'map';

export interface Shell {
  element: HTMLElement;
  pane: MapPane;
  view(view: View): void;
}

export function shell(app: App, canvas: HTMLElement, keepLayers: (layers: LayerName[]) => void): Shell {
  const { t } = app;
  const pane = new MapPane(app, canvas, layersPanel(app, keepLayers));
  const alerts = alertList(app);
  const assets = assetList(app);
  const tabs = h('div', { class: 'side-tabs', attributes: { role: 'group', 'aria-label': t('alerts') } });
  const side = h('section', { class: 'side', attributes: { 'aria-label': t('alerts') } }, tabs, alerts, assets);
  const work = h('main', { class: 'work', attributes: { 'data-view': 'alerts' } }, side, pane.element, panel(app));
  const bottom = h('nav', { class: 'bottom-tabs', attributes: { 'aria-label': t('title') } });
  const buttons: [View, HTMLButtonElement][] = [];
  const view = (chosen: View): void => {
    setAttribute(work, 'data-view', chosen);
    alerts.hidden = chosen === 'assets';
    assets.hidden = chosen !== 'assets';
    if (chosen === 'assets') assets.dispatchEvent(new Event('shown'));
    for (const [each, button] of buttons) setAttribute(button, 'aria-pressed', String(each === chosen || (each === 'alerts' && chosen === 'map' && button.parentElement === tabs)));
  };
  const button = (each: View, place: HTMLElement): void => {
    const made = h('button', { class: 'tab', attributes: { type: 'button', 'aria-pressed': 'false', 'data-tab': each }, on: { click: () => view(each) } }, t(each));
    buttons.push([each, made]);
    place.append(made);
  };
  button('alerts', tabs);
  button('assets', tabs);
  button('alerts', bottom);
  button('map', bottom);
  button('assets', bottom);
  view('alerts');
  const element = h(
    'div',
    { class: 'page' },
    h('a', { class: 'skip', attributes: { href: '#alert-list' }, on: { click: (event) => { event.preventDefault(); document.getElementById('alert-list')?.focus(); } } }, t('skip')),
    header(app),
    targetStrip(app),
    banners(app),
    work,
    timeBar(app),
    bottom,
  );
  return { element, pane, view };
}
