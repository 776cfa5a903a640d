// Brings the map in after the list: an operator can work before it is there, and where it cannot be drawn.

import type { App } from './app.ts';
import { h, replaceChildren } from './dom.ts';
import type { DistrictMap } from './map/view.ts';
import type { MapPane } from './views/map_pane.ts';

let made: Promise<DistrictMap> | null = null;
let current: MapPane | null = null;

export async function loadMap(app: App, pane: MapPane, canvas: HTMLElement): Promise<void> {
  current = pane;
  try {
    made ??= make(app, canvas);
    const map = await made;
    map.map.resize();
    await map.restyle(app.store.theme, app.store.language);
    if (current === pane) pane.attach(map);
  } catch (error) {
    console.error(error);
    made = null;
    replaceChildren(canvas, h('p', { class: 'no-map', attributes: { role: 'alert' } }, app.t('no_webgl')));
  }
}

async function make(app: App, canvas: HTMLElement): Promise<DistrictMap> {
  const [{ DistrictMap }, district] = await Promise.all([import('./map/view.ts'), fetchDistrict()]);
  const { store } = app;
  return new DistrictMap(canvas, district, store.theme, store.language, app.t('map'), {
    hover: (pointed) => current?.hover(pointed),
    pick: (pointed) => current?.pick(pointed),
    moved: () => current?.moved(),
  });
}

async function fetchDistrict(): Promise<GeoJSON.FeatureCollection> {
  const response = await fetch(new URL('district.geojson', import.meta.url));
  if (!response.ok) throw new Error(`district.geojson: ${response.status}`);
  return (await response.json()) as GeoJSON.FeatureCollection;
}
