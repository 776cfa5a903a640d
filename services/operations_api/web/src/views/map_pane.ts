// The map with what stands around it: tooltip, buttons, layers; follows what is known and what is selected.

import type { App } from '../app.ts';
import { inView, keyOf, stateOfRank } from '../asset_book.ts';
import type { AssetRow, Layer, LayerName } from '../contract.ts';
import { h, icon, replaceChildren, setText } from '../dom.ts';
import { figure } from '../formats.ts';
import { assetFeatures, chargingFeatures, coverageFeatures, EMPTY, featureWords, lakeClasses, withHeads } from '../map/overlays.ts';
import type { DistrictMap, Pointed } from '../map/view.ts';
import { difference, type Levels } from '../levels.ts';
import { feedWord, stateWord } from '../states.ts';
import { nameOf } from './asset_list.ts';

const LEAST_MS = 500; // between two drawings of the assets
const PLUS = ['M12 5v14M5 12h14'];
const MINUS = ['M5 12h14'];
const FRAME = ['M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5'];
const OVERLAYS: Record<string, LayerName> = { charging: 'charging', 'way-heads': 'parking', ways: 'parking', 'coverage-head': 'coverage', 'coverage-move': 'coverage' };

/** Keeps one map over the life of the page; the pane around it is built anew with the language. */
export class MapPane {
  readonly element: HTMLElement;
  #app: App;
  #map: DistrictMap | null = null;
  #tooltip = h('div', { class: 'tooltip', attributes: { hidden: true } });
  #spoken = h('div', { class: 'visually-hidden', attributes: { 'aria-live': 'polite' } });
  #drawnAt = 0;
  #waiting = 0;
  #keyed: AssetRow | null = null;
  #wanted: [number, number] | null = null; // asked for before there was a map
  #levels: Levels = new Map();
  #moment: number | null = null;

  constructor(app: App, canvas: HTMLElement, layers: HTMLElement) {
    this.#app = app;
    const { t } = app;
    const button = (label: string, paths: string[], act: () => void): HTMLElement =>
      h('button', { class: 'icon-button', attributes: { type: 'button', 'aria-label': label, title: label }, on: { click: act } }, icon(paths, 18));
    this.element = h(
      'section',
      { class: 'map-pane', attributes: { 'aria-label': t('map') } },
      h('p', { class: 'visually-hidden' }, `${t('map_about')} ${t('map_keys')}`),
      canvas,
      h(
        'div',
        { class: 'map-buttons' },
        button(t('zoom_in'), PLUS, () => this.#map?.map.zoomIn()),
        button(t('zoom_out'), MINUS, () => this.#map?.map.zoomOut()),
        button(t('whole_district'), FRAME, () => this.#map?.whole()),
      ),
      layers,
      h('p', { class: 'map-note' }, t('map_note')),
      this.#tooltip,
      this.#spoken,
    );
    canvas.addEventListener('keydown', (event) => this.#key(event), { signal: app.signal });
    app.store.on(['assets', 'alerts', 'moment'], () => this.#assetsChanged(), app.signal);
    app.store.on(['layers'], () => this.#drawLayers(), app.signal);
    app.store.on(['selection'], () => this.#drawSelection(), app.signal);
    app.signal.addEventListener('abort', () => window.clearTimeout(this.#waiting));
  }

  attach(map: DistrictMap): void {
    this.#map = map;
    this.#app.store.assets.takeChanged();
    this.#drawAssets();
    this.#drawLayers();
    this.#drawSelection();
    if (this.#wanted !== null) map.show(...this.#wanted);
    this.#wanted = null;
  }

  show(longitude: number, latitude: number): void {
    if (this.#map === null) this.#wanted = [longitude, latitude];
    else this.#map.show(longitude, latitude);
  }

  // ---- what is drawn

  #assetsChanged(): void {
    if (this.#map === null || this.#waiting !== 0) return;
    const wait = Math.max(0, this.#drawnAt + LEAST_MS - performance.now());
    this.#waiting = window.setTimeout(() => {
      this.#waiting = 0;
      this.#drawWhatChanged();
    }, wait);
  }

  #drawWhatChanged(): void {
    const { store } = this.#app;
    const changed = store.assets.takeChanged();
    const levels = store.levels();
    if (changed === 'all' || store.moment !== this.#moment) return this.#drawAssets();
    const keys = new Set([...changed, ...difference(this.#levels, levels)]);
    this.#levels = levels;
    if (keys.size === 0) return;
    this.#drawnAt = performance.now();
    const assets = [...keys].flatMap((key) => store.assets.byKey.get(key) ?? []);
    void this.#map?.change('assets', assetFeatures(assets, (asset) => store.stateOf(asset), store.language));
    if (store.selected?.what === 'asset' && keys.has(`${store.selected.kind}/${store.selected.id}`)) this.#drawSelection();
  }

  #drawAssets(): void {
    const { store } = this.#app;
    this.#drawnAt = performance.now();
    this.#levels = store.levels();
    this.#moment = store.moment;
    const features = assetFeatures(store.assets.byKey.values(), (asset) => store.stateOf(asset), store.language);
    void this.#map?.fill('assets', { type: 'FeatureCollection', features });
    this.#drawSelection();
  }

  #drawLayers(): void {
    if (this.#map === null) return;
    const { store } = this.#app;
    const found = (name: LayerName): Layer | null => {
      const layer = store.layers.get(name);
      return layer === undefined || layer === 'failed' || layer === 'loading' ? null : layer;
    };
    const [coverage, parking, charging, lakes] = [found('coverage'), found('parking'), found('charging'), found('lakes')];
    void this.#map.fill('coverage', coverage === null ? EMPTY : coverageFeatures(coverage));
    void this.#map.fill('ways', parking === null ? EMPTY : withHeads(parking));
    void this.#map.fill('charging', charging === null ? EMPTY : chargingFeatures(charging, store.language));
    void this.#map.colourLakes(lakes === null ? null : lakeClasses(lakes), store.theme, store.language);
  }

  #drawSelection(): void {
    const { store } = this.#app;
    const alert = store.openAlert === null ? undefined : store.shownAlerts().get(store.openAlert);
    const asset = store.selected?.what === 'asset' ? store.assets.byKey.get(`${store.selected.kind}/${store.selected.id}`) : undefined;
    const at = asset ?? alert;
    const place = at === undefined || at.longitude === null || at.latitude === null ? null : ([at.longitude, at.latitude] as const);
    void this.#map?.select(place);
  }

  // ---- what is pointed at

  hover(pointed: Pointed | null): void {
    const words = pointed === null ? null : this.#wordsOf(pointed);
    if (pointed === null || words === null) {
      this.#tooltip.hidden = true;
      return;
    }
    this.#showTooltip(words, pointed.at);
  }

  pick(pointed: Pointed): void {
    if (pointed.layer === 'clusters') void this.#map?.zoomInto(pointed);
    else if (pointed.layer === 'assets') this.#open(String(pointed.properties['key']));
    else if (pointed.layer === 'lake') this.#open(`lake/${String(pointed.properties['id'])}`);
  }

  moved(): void {
    if (this.#keyed === null) this.#tooltip.hidden = true;
    else this.#pointAt(this.#keyed);
  }

  #open(key: string): void {
    const asset = this.#app.store.assets.byKey.get(key);
    if (asset !== undefined) this.#app.controller.select({ what: 'asset', kind: asset.kind, id: asset.asset_id });
  }

  #wordsOf({ layer, properties }: Pointed): string[] | null {
    const { t, store } = this.#app;
    if (layer === 'clusters') return [t('cluster', { n: Number(properties['point_count']), state: stateWord(stateOfRank(Number(properties['worst'])), store.language) })];
    if (layer === 'assets' || layer === 'lake') {
      const asset = store.assets.byKey.get(layer === 'lake' ? `lake/${String(properties['id'])}` : String(properties['key']));
      return asset === undefined ? null : this.#assetWords(asset);
    }
    if (layer === 'coverage-gap') {
      const people = properties['population'];
      return [t('coverage_gap'), ...(typeof people === 'number' ? [t('people', { n: figure(people, store.language) })] : [])];
    }
    const overlay = OVERLAYS[layer];
    return overlay === undefined ? null : [featureWords(this.#app, overlay, properties)];
  }

  #assetWords(asset: AssetRow): string[] {
    const { tv, store } = this.#app;
    const { language } = store;
    const state = store.stateOf(asset);
    const word = store.moment === null && tv('word', asset.state) !== asset.state ? [tv('word', asset.state)] : [];
    const value = asset.value === null || store.moment !== null ? [] : [`${figure(asset.value, language)} ${tv('unit', asset.unit ?? '')}`];
    return [nameOf(this.#app, asset), [tv('kind', asset.kind), feedWord(asset.feed, language), stateWord(state, language), ...word, ...value].join(' · ')];
  }

  #showTooltip(words: readonly string[], at: { x: number; y: number }): void {
    replaceChildren(this.#tooltip, ...words.map((line, index) => h(index === 0 ? 'strong' : 'span', {}, line)));
    this.#tooltip.hidden = false;
    const { clientWidth } = this.element;
    const left = Math.min(at.x + 14, Math.max(0, clientWidth - this.#tooltip.offsetWidth - 8));
    const top = at.y > this.#tooltip.offsetHeight + 20 ? at.y - this.#tooltip.offsetHeight - 12 : at.y + 16;
    this.#tooltip.style.transform = `translate(${left}px, ${top}px)`;
  }

  // ---- by keyboard

  #key(event: KeyboardEvent): void {
    if (this.#map === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key === 'n' || key === 'p') {
      event.preventDefault();
      this.#step(key === 'n' ? 1 : -1);
    } else if (event.key === 'Enter' && this.#keyed !== null) this.#open(keyOf(this.#keyed));
    else if (event.key === 'Escape') {
      this.#keyed = null;
      this.#tooltip.hidden = true;
    }
  }

  #step(step: 1 | -1): void {
    if (this.#map === null) return;
    const bounds = this.#map.map.getBounds();
    const assets = inView(this.#app.store.assets.byKey.values(), { west: bounds.getWest(), south: bounds.getSouth(), east: bounds.getEast(), north: bounds.getNorth() }, (asset) => this.#app.store.stateOf(asset));
    if (assets.length === 0) return;
    const known = this.#keyed;
    const at = known === null ? (step === 1 ? -1 : 0) : assets.findIndex((asset) => keyOf(asset) === keyOf(known));
    this.#keyed = assets[(at + step + assets.length) % assets.length] ?? null;
    if (this.#keyed === null) return;
    this.#pointAt(this.#keyed);
    setText(this.#spoken, this.#assetWords(this.#keyed).join(', '));
  }

  #pointAt(asset: AssetRow): void {
    if (this.#map === null || asset.longitude === null || asset.latitude === null) return;
    this.#showTooltip(this.#assetWords(asset), this.#map.at(asset.longitude, asset.latitude));
  }
}
