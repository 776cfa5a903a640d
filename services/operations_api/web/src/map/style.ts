// How the district is drawn: sources and layers of the map. Pure.
//
// The style names no glyphs: MapLibre then draws every letter, Chinese and Latin, from the fonts of the machine.

import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl';

import type { Language } from '../formats.ts';
import type { Theme } from '../preferences.ts';

interface Tones {
  beyond: string;
  ground: string;
  outline: string;
  street: string;
  zone: string;
  zoneFill: string;
  water: string;
  shore: string;
  road: string;
  roadEdge: string;
  text: string;
  textQuiet: string;
  halo: string;
  gap: string;
  way: string;
  move: string;
  selected: string;
}

const TONES: Record<Theme, Tones> = {
  light: {
    beyond: '#e3e8ee', ground: '#fbfcfd', outline: '#5b6b7d', street: '#b3bfcc', zone: '#7b6fa8', zoneFill: '#7b6fa8',
    water: '#b9dcf3', shore: '#5a9cc9', road: '#ffffff', roadEdge: '#c6d0da', text: '#1f2a36', textQuiet: '#51606f',
    halo: '#ffffff', gap: '#b4233a', way: '#005f73', move: '#7A3FF2', selected: '#0b57d0',
  },
  dark: {
    beyond: '#0c1014', ground: '#171d24', outline: '#8496a9', street: '#3d4a58', zone: '#a99be0', zoneFill: '#a99be0',
    water: '#1d4058', shore: '#4d90bd', road: '#2b3541', roadEdge: '#12171d', text: '#e8eef4', textQuiet: '#a9b7c5',
    halo: '#10151a', gap: '#ff6b81', way: '#5ad1e6', move: '#b388ff', selected: '#8ab4f8',
  },
};
const FONT = ['system-ui', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'WenQuanYi Micro Hei', 'sans-serif'];
const NOTHING = { type: 'FeatureCollection' as const, features: [] };

/** Sources that the page fills, by name. */
export const FILLED = ['assets', 'selected', 'coverage', 'ways', 'charging', 'labels'] as const;
export type Filled = (typeof FILLED)[number];

export function style(theme: Theme, language: Language, district: GeoJSON.FeatureCollection | string): StyleSpecification {
  return {
    version: 8,
    sources: {
      district: { type: 'geojson', data: district },
      assets: {
        type: 'geojson', data: NOTHING, promoteId: 'key', cluster: true, clusterRadius: 38, clusterMaxZoom: 14,
        clusterProperties: { worst: ['min', ['get', 'rank']] },
      },
      ...Object.fromEntries(
        FILLED.filter((name) => name !== 'assets').map((name) => [name, { type: 'geojson' as const, data: NOTHING }]),
      ),
    },
    layers: layers(TONES[theme], language),
    transition: { duration: 0, delay: 0 },
  };
}

function only(layer: string): ExpressionSpecification {
  return ['==', ['get', 'layer'], layer];
}

function layers(tones: Tones, language: Language): LayerSpecification[] {
  return [...groundLayers(tones), ...overlayLayers(tones), ...labelLayers(tones, language), ...assetLayers(tones)];
}

function groundLayers(tones: Tones): LayerSpecification[] {
  const widths = (thin: number, thick: number): ExpressionSpecification => ['interpolate', ['linear'], ['zoom'], 12, thin, 16, thick];
  return [
    { id: 'beyond', type: 'background', paint: { 'background-color': tones.beyond } },
    { id: 'ground', type: 'fill', source: 'district', filter: only('outline'), paint: { 'fill-color': tones.ground } },
    { id: 'zone-fill', type: 'fill', source: 'district', filter: only('zone'), paint: { 'fill-color': tones.zoneFill, 'fill-opacity': 0.07 } },
    { id: 'lake', type: 'fill', source: 'district', filter: only('lake'), paint: { 'fill-color': tones.water } },
    { id: 'shore', type: 'line', source: 'district', filter: only('lake'), paint: { 'line-color': tones.shore, 'line-width': 1.2 } },
    { id: 'road-edge', type: 'line', source: 'district', filter: only('road'), layout: { 'line-join': 'round', 'line-cap': 'round' }, paint: { 'line-color': tones.roadEdge, 'line-width': widths(3.5, 12) } },
    { id: 'road', type: 'line', source: 'district', filter: only('road'), layout: { 'line-join': 'round', 'line-cap': 'round' }, paint: { 'line-color': tones.road, 'line-width': widths(2, 9) } },
    { id: 'street', type: 'line', source: 'district', filter: only('street'), paint: { 'line-color': tones.street, 'line-width': 1, 'line-dasharray': [4, 2] } },
    { id: 'zone', type: 'line', source: 'district', filter: only('zone'), paint: { 'line-color': tones.zone, 'line-width': 1.2, 'line-dasharray': [1.5, 2], 'line-opacity': 0.8 } },
    { id: 'outline', type: 'line', source: 'district', filter: only('outline'), paint: { 'line-color': tones.outline, 'line-width': 2 } },
  ];
}

function overlayLayers(tones: Tones): LayerSpecification[] {
  return [
    { id: 'coverage-gap', type: 'fill', source: 'coverage', filter: ['==', ['geometry-type'], 'Polygon'], paint: { 'fill-color': tones.gap, 'fill-opacity': 0.25 } },
    { id: 'coverage-edge', type: 'line', source: 'coverage', filter: ['==', ['geometry-type'], 'Polygon'], paint: { 'line-color': tones.gap, 'line-width': 0.8, 'line-opacity': 0.6 } },
    { id: 'coverage-move', type: 'line', source: 'coverage', filter: ['==', ['geometry-type'], 'LineString'], layout: { 'line-cap': 'round' }, paint: { 'line-color': tones.move, 'line-width': 4 } },
    { id: 'coverage-head', type: 'symbol', source: 'coverage', filter: ['==', ['geometry-type'], 'Point'], layout: { 'icon-image': 'arrow-move', 'icon-rotate': ['get', 'bearing'], 'icon-rotation-alignment': 'map', 'icon-allow-overlap': true, 'icon-ignore-placement': true } },
    { id: 'ways', type: 'line', source: 'ways', filter: ['==', ['geometry-type'], 'LineString'], layout: { 'line-cap': 'round' }, paint: { 'line-color': tones.way, 'line-width': ['interpolate', ['linear'], ['coalesce', ['get', 'drivers'], 1], 1, 1.5, 40, 5], 'line-dasharray': [2, 1.5] } },
    { id: 'way-heads', type: 'symbol', source: 'ways', filter: ['==', ['geometry-type'], 'Point'], layout: { 'icon-image': 'arrow', 'icon-size': 0.8, 'icon-rotate': ['get', 'bearing'], 'icon-rotation-alignment': 'map', 'icon-allow-overlap': true, 'icon-ignore-placement': true } },
  ];
}

function labelLayers(tones: Tones, language: Language): LayerSpecification[] {
  const name: ExpressionSpecification = ['get', `name_${language}`];
  const label = (layer: string, size: number, colour: string, from: number, more: Record<string, unknown> = {}): LayerSpecification => ({
    id: `label-${layer}`,
    type: 'symbol',
    source: 'labels',
    minzoom: from,
    filter: only(layer),
    layout: { 'text-field': name, 'text-font': FONT, 'text-size': size, 'text-max-width': 9, 'text-padding': 4, ...more },
    paint: { 'text-color': colour, 'text-halo-color': tones.halo, 'text-halo-width': 1.6 },
  });
  return [
    {
      id: 'label-road', type: 'symbol', source: 'district', minzoom: 13.5, filter: only('road'),
      layout: { 'symbol-placement': 'line', 'text-field': name, 'text-font': FONT, 'text-size': 11, 'text-max-angle': 40, 'symbol-spacing': 400 },
      paint: { 'text-color': tones.textQuiet, 'text-halo-color': tones.halo, 'text-halo-width': 1.5 },
    },
    label('street', 11.5, tones.textQuiet, 11.6),
    label('zone', 13, tones.zone, 0, { 'text-anchor': 'bottom', 'text-max-width': 8 }),
    label('lake', 11.5, tones.shore, 12.8),
  ];
}

function assetLayers(tones: Tones): LayerSpecification[] {
  return [
    { id: 'selected', type: 'circle', source: 'selected', paint: { 'circle-radius': 20, 'circle-color': tones.selected, 'circle-opacity': 0.18, 'circle-stroke-color': tones.selected, 'circle-stroke-width': 3 } },
    {
      id: 'clusters', type: 'symbol', source: 'assets', filter: ['has', 'point_count'],
      layout: {
        'icon-image': ['concat', 'cluster-', ['at', ['get', 'worst'], ['literal', ['I', 'II', 'III', 'IV', 'ok', 'unseen']]]],
        'icon-allow-overlap': true, 'icon-ignore-placement': true, 'text-field': ['get', 'point_count_abbreviated'],
        'text-font': FONT, 'text-size': 13, 'text-allow-overlap': true, 'text-ignore-placement': true,
        'symbol-sort-key': ['-', 10, ['get', 'worst']],
      },
      paint: { 'text-color': tones.text },
    },
    {
      id: 'assets', type: 'symbol', source: 'assets', filter: ['!', ['has', 'point_count']],
      layout: {
        'icon-image': ['concat', 'asset-', ['get', 'feed'], '-', ['get', 'state']],
        'icon-allow-overlap': true, 'icon-ignore-placement': true,
        'text-field': ['step', ['zoom'], '', 14.6, ['get', 'name']],
        'text-font': FONT, 'text-size': 11, 'text-anchor': 'top', 'text-offset': [0, 1.3], 'text-max-width': 9, 'text-optional': true,
        'symbol-sort-key': ['-', 10, ['get', 'rank']],
      },
      paint: { 'text-color': tones.text, 'text-halo-color': tones.halo, 'text-halo-width': 1.5 },
    },
    { id: 'charging', type: 'symbol', source: 'charging', layout: { 'icon-image': ['concat', 'gauge-', ['get', 'tenths']], 'icon-allow-overlap': true, 'icon-ignore-placement': true, 'text-field': ['step', ['zoom'], '', 13, ['get', 'label']], 'text-font': FONT, 'text-size': 11, 'text-anchor': 'bottom', 'text-offset': [0, -1.9], 'text-optional': true }, paint: { 'text-color': tones.text, 'text-halo-color': tones.halo, 'text-halo-width': 1.5 } },
  ];
}
