// The map itself: draws what it is handed, tells what is pointed at. A module of its own, loaded after the list.

import { Map as MapLibre, setWorkerUrl, type GeoJSONSource, type MapGeoJSONFeature, type MapMouseEvent } from 'maplibre-gl';

import type { Language } from '../formats.ts';
import type { Theme } from '../preferences.ts';
import { lakeClassColour } from '../states.ts';
import { allMarks } from './icons.ts';
import { labelFeatures } from './overlays.ts';
import { style, type Filled } from './style.ts';

const POINTED = ['assets', 'clusters', 'charging', 'way-heads', 'ways', 'coverage-head', 'coverage-move', 'coverage-gap', 'lake'];
const FIT = { padding: 36, maxZoom: 13.5 };

export interface Pointed {
  layer: string;
  properties: Record<string, unknown>;
  at: { x: number; y: number };
}

export interface MapHooks {
  hover(pointed: Pointed | null): void;
  pick(pointed: Pointed): void;
  moved(): void;
}

export class DistrictMap {
  readonly map: MapLibre;
  #district: GeoJSON.FeatureCollection;
  #hooks: MapHooks;
  #ready: Promise<void>;
  #marksOf: Theme | null = null;

  constructor(container: HTMLElement, district: GeoJSON.FeatureCollection, theme: Theme, language: Language, label: string, hooks: MapHooks) {
    setWorkerUrl(new URL('map-worker.js', import.meta.url).href);
    this.#district = district;
    this.#hooks = hooks;
    const [west, south, east, north] = boundsOf(district);
    this.map = new MapLibre({
      container,
      style: style(theme, language, district),
      bounds: [west, south, east, north],
      fitBoundsOptions: FIT,
      maxBounds: [west - 0.06, south - 0.05, east + 0.06, north + 0.05],
      minZoom: 10.5,
      maxZoom: 18,
      attributionControl: false,
      pitchWithRotate: false,
      dragRotate: false,
      touchPitch: false,
      fadeDuration: 0,
      reduceMotion: window.matchMedia('(prefers-reduced-motion: reduce)').matches,
      locale: { 'Map.Title': label },
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.#addMarks(theme);
    this.#ready = new Promise((resolve) => this.map.once('load', () => resolve()));
    void this.#ready.then(() => this.fill('labels', labelFeatures(district)));
    this.#listen();
  }

  async fill(source: Filled, data: GeoJSON.FeatureCollection): Promise<void> {
    await this.#ready;
    (this.map.getSource(source) as GeoJSONSource | undefined)?.setData(data);
  }

  /** Puts features in the place of those with the same key: its cost grows with them, not with all that there are. */
  async change(source: Filled, features: GeoJSON.Feature[]): Promise<void> {
    await this.#ready;
    await (this.map.getSource(source) as GeoJSONSource | undefined)?.updateData({ add: features });
  }

  /** Lays colours over the lakes by their class; none: water. */
  async colourLakes(classes: readonly [string, number][] | null, theme: Theme, language: Language): Promise<void> {
    await this.#ready;
    const plain = style(theme, language, this.#district).layers.find((layer) => layer.id === 'lake');
    const water = (plain?.paint as { 'fill-color': string } | undefined)?.['fill-color'] ?? '#88bbdd';
    const colour = classes === null || classes.length === 0 ? water : ['match', ['get', 'id'], ...classes.flatMap(([id, value]) => [id, lakeClassColour(value)]), water];
    this.map.setPaintProperty('lake', 'fill-color', colour as never);
  }

  async restyle(theme: Theme, language: Language): Promise<void> {
    await this.#ready;
    this.#addMarks(theme);
    for (const layer of style(theme, language, this.#district).layers) {
      for (const [name, value] of Object.entries(layer.paint ?? {})) this.map.setPaintProperty(layer.id, name as never, value as never);
      if (layer.type !== 'symbol') continue;
      for (const [name, value] of Object.entries(layer.layout ?? {})) {
        if (name === 'text-field') this.map.setLayoutProperty(layer.id, name, value as never);
      }
    }
  }

  show(longitude: number, latitude: number): void {
    const zoom = Math.max(this.map.getZoom(), 14.8);
    this.map.easeTo({ center: [longitude, latitude], zoom, duration: 500 });
  }

  whole(): void {
    this.map.fitBounds(boundsOf(this.#district), { ...FIT, duration: 400 });
  }

  async select(place: readonly [number, number] | null): Promise<void> {
    const features: GeoJSON.Feature[] = place === null ? [] : [{ type: 'Feature', geometry: { type: 'Point', coordinates: [...place] }, properties: {} }];
    await this.fill('selected', { type: 'FeatureCollection', features });
  }

  at(longitude: number, latitude: number): { x: number; y: number } {
    return this.map.project([longitude, latitude]);
  }

  async zoomInto(cluster: Pointed): Promise<void> {
    const source = this.map.getSource('assets') as GeoJSONSource;
    const zoom = await source.getClusterExpansionZoom(Number(cluster.properties['cluster_id']));
    this.map.easeTo({ center: this.map.unproject([cluster.at.x, cluster.at.y]), zoom: zoom + 0.2, duration: 400 });
  }

  #addMarks(theme: Theme): void {
    if (this.#marksOf === theme) return;
    this.#marksOf = theme;
    for (const { name, image, ratio } of allMarks(theme)) {
      if (this.map.hasImage(name)) this.map.updateImage(name, image);
      else this.map.addImage(name, image, { pixelRatio: ratio });
    }
  }

  #listen(): void {
    const pointedAt = (event: MapMouseEvent): Pointed | null => {
      const found = this.map.queryRenderedFeatures(event.point, { layers: POINTED.filter((layer) => this.map.getLayer(layer) !== undefined) });
      const feature: MapGeoJSONFeature | undefined = found[0];
      return feature === undefined ? null : { layer: feature.layer.id, properties: feature.properties, at: { x: event.point.x, y: event.point.y } };
    };
    let last: MapMouseEvent | null = null;
    this.map.on('mousemove', (event) => {
      const waiting = last !== null;
      last = event;
      if (waiting) return;
      requestAnimationFrame(() => {
        const event = last;
        last = null;
        if (event === null) return;
        const pointed = pointedAt(event);
        this.map.getCanvas().style.cursor = pointed === null || pointed.layer === 'lake' ? '' : 'pointer';
        this.#hooks.hover(pointed);
      });
    });
    this.map.on('mouseout', () => this.#hooks.hover(null));
    this.map.on('click', (event) => {
      const pointed = pointedAt(event);
      if (pointed !== null) this.#hooks.pick(pointed);
    });
    this.map.on('move', () => this.#hooks.moved());
    // For who waits for a picture that stands still: a test, somebody who prints.
    this.map.on('idle', () => this.map.getContainer().setAttribute('data-idle', ''));
  }
}

export function boundsOf(district: GeoJSON.FeatureCollection): [number, number, number, number] {
  const outline = district.features.find((feature) => feature.properties?.['layer'] === 'outline')?.geometry;
  const ring = outline?.type === 'Polygon' ? (outline.coordinates[0] ?? []) : [];
  const longitudes = ring.map((place) => place[0] as number);
  const latitudes = ring.map((place) => place[1] as number);
  return [Math.min(...longitudes), Math.min(...latitudes), Math.max(...longitudes), Math.max(...latitudes)];
}
