// What the layers say, as the map draws it and in words. Pure.

import type { App } from '../app.ts';
import { isDrawn, keyOf, stateRank, type AssetState } from '../asset_book.ts';
import type { AssetRow, Layer, LayerName } from '../contract.ts';
import { figure, percent, type Language } from '../formats.ts';
import { lakeClassWord } from '../states.ts';

type Properties = Record<string, unknown>;

export const EMPTY: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };

/** Assets as points, each with what its mark needs. */
export function assetFeatures(assets: Iterable<AssetRow>, stateOf: (asset: AssetRow) => AssetState, language: Language): GeoJSON.Feature[] {
  const features: GeoJSON.Feature[] = [];
  for (const asset of assets) {
    if (!isDrawn(asset)) continue;
    const state = stateOf(asset);
    features.push({
      type: 'Feature',
      geometry: { type: 'Point', coordinates: [asset.longitude as number, asset.latitude as number] },
      properties: { key: keyOf(asset), feed: asset.feed ?? 'unknown', state, rank: stateRank(state), name: language === 'zh' ? asset.name_zh : asset.name_en },
    });
  }
  return features;
}

/** The points at which the names of streets, areas and lakes stand. */
export function labelFeatures(district: GeoJSON.FeatureCollection): GeoJSON.FeatureCollection {
  const features = district.features.flatMap((feature): GeoJSON.Feature[] => {
    const place = feature.properties?.['label'] as [number, number] | undefined;
    return place === undefined ? [] : [{ ...feature, geometry: { type: 'Point', coordinates: place } }];
  });
  return { type: 'FeatureCollection', features };
}

const CELL_METRES = 300; // the population grid's cells
const METRES_PER_DEGREE = 111_195;

/** What coverage draws: cells without cover as squares, the best move as an arrow. */
export function coverageFeatures(layer: Layer): GeoJSON.FeatureCollection {
  const squares = layer.features.map((feature): GeoJSON.Feature => {
    if (feature.geometry.type !== 'Point' || feature.properties?.['kind'] !== 'gap') return feature;
    const [longitude, latitude] = feature.geometry.coordinates as [number, number];
    const north = CELL_METRES / METRES_PER_DEGREE / 2;
    const east = north / Math.cos((latitude * Math.PI) / 180);
    const corners = [[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]].map(([x, y]) => [longitude + (x as number) * east, latitude + (y as number) * north]);
    return { ...feature, geometry: { type: 'Polygon', coordinates: [corners] } };
  });
  return withHeads({ ...layer, features: squares });
}

/** Lines with a head at their end. */
export function withHeads(layer: GeoJSON.FeatureCollection): GeoJSON.FeatureCollection {
  const features: GeoJSON.Feature[] = [];
  for (const feature of layer.features) {
    features.push(feature);
    if (feature.geometry.type !== 'LineString') continue;
    const line = feature.geometry.coordinates as [number, number][];
    const end = line.at(-1);
    const before = line.at(-2);
    if (end === undefined || before === undefined) continue;
    features.push({ type: 'Feature', geometry: { type: 'Point', coordinates: end }, properties: { ...feature.properties, bearing: bearing(before, end) } });
  }
  return { type: 'FeatureCollection', features };
}

/** Degrees from north, clockwise. */
export function bearing(from: readonly [number, number], to: readonly [number, number]): number {
  const squeeze = Math.cos((from[1] * Math.PI) / 180);
  const degrees = (Math.atan2((to[0] - from[0]) * squeeze, to[1] - from[1]) * 180) / Math.PI;
  return (degrees + 360) % 360;
}

/** Sites with their load as tenths of their limit. */
export function chargingFeatures(layer: Layer, language: Language): GeoJSON.FeatureCollection {
  const features = layer.features.map((feature): GeoJSON.Feature => {
    const properties = feature.properties ?? {};
    const load = numberOf(properties, 'load_kw');
    const limit = numberOf(properties, 'limit_kw');
    const share = load === null || limit === null || limit <= 0 ? 0 : load / limit;
    return {
      ...feature,
      properties: { ...properties, tenths: Math.max(0, Math.min(12, Math.floor(share * 10 + 1e-9))), label: load === null ? '–' : `${figure(load, language, 0)} kW` },
    };
  });
  return { type: 'FeatureCollection', features };
}

/** Lakes' ids and classes. */
export function lakeClasses(layer: Layer): [string, number][] {
  return layer.features.flatMap((feature): [string, number][] => {
    const value = numberOf(feature.properties ?? {}, 'class');
    const id = String(feature.properties?.['lake'] ?? feature.id ?? '');
    return value === null || id === '' ? [] : [[id, Math.round(value)]];
  });
}

/** Each feature of a layer as a line for people, those that matter most in front. */
export function overlayWords(app: Pick<App, 't' | 'store'>, name: LayerName, layer: Layer): string[] {
  const ordered = [...layer.features];
  if (name === 'charging') ordered.sort((a, b) => loadShare(b.properties ?? {}) - loadShare(a.properties ?? {}));
  if (name === 'parking') ordered.sort((a, b) => (numberOf(b.properties ?? {}, 'drivers') ?? 0) - (numberOf(a.properties ?? {}, 'drivers') ?? 0));
  if (name === 'lakes') ordered.sort((a, b) => (numberOf(b.properties ?? {}, 'class') ?? 0) - (numberOf(a.properties ?? {}, 'class') ?? 0));
  return ordered.map((feature) => featureWords(app, name, feature.properties ?? {})).filter((words) => words !== '' && !words.startsWith('#'));
}

export function featureWords({ t, store }: Pick<App, 't' | 'store'>, name: LayerName, properties: Properties): string {
  const { language } = store;
  const text = (key: string): string => String(properties[key] ?? '');
  const placeName = (key: string): string => {
    const asset = store.assets.named(text(key));
    return asset === undefined ? text(key) : language === 'zh' ? asset.name_zh : asset.name_en;
  };
  const own = text(`name_${language}`);
  const named = (key: string): string => text(`${key}_name_${language}`) || placeName(key);
  switch (name) {
    case 'coverage': {
      if (properties['kind'] !== 'move') return '#gap';
      const after = numberOf(properties, 'share_after');
      const gain = after === null ? '' : `${language === 'zh' ? '，' : ', '}${t('coverage_gain', { share: percent(after, language) })}`;
      return t('coverage_move', { unit: placeName('unit'), to: placeName('to') }) + gain;
    }
    case 'parking':
      return t('parking_way', { from: named('from'), to: named('to'), drivers: figure(numberOf(properties, 'drivers'), language), metres: figure(numberOf(properties, 'metres'), language), free: figure(numberOf(properties, 'free'), language) });
    case 'charging':
      return t('charging_load', { name: own, load: figure(numberOf(properties, 'load_kw'), language), limit: figure(numberOf(properties, 'limit_kw'), language), share: percent(loadShare(properties), language) });
    case 'lakes': {
      const value = numberOf(properties, 'class');
      return t('lake_class', { name: own, class: value === null ? '–' : lakeClassWord(Math.round(value), language) });
    }
  }
}

function loadShare(properties: Properties): number {
  const load = numberOf(properties, 'load_kw');
  const limit = numberOf(properties, 'limit_kw');
  return load === null || limit === null || limit <= 0 ? 0 : load / limit;
}

function numberOf(properties: Properties, key: string): number | null {
  const value = properties[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
