// What is known of assets, and what of it the map draws. Pure.

import type { AssetRow, Severity } from './contract.ts';

/** What a mark shows: the worst open alert, none, or that nothing was ever heard. */
export type AssetState = Severity | 'ok' | 'unseen';

export const DRAWN_KINDS: ReadonlySet<string> = new Set([
  'lake', 'station', 'site', 'lot', 'post', 'unit', 'building',
]);
const STATES: readonly AssetState[] = ['I', 'II', 'III', 'IV', 'ok', 'unseen'];

export function keyOf(asset: { kind: string; asset_id: string }): string {
  return `${asset.kind}/${asset.asset_id}`;
}

/** 0 is the worst. */
export function stateRank(state: AssetState): number {
  const found = STATES.indexOf(state);
  return found < 0 ? STATES.length - 1 : found;
}

export function stateOfRank(rank: number): AssetState {
  return STATES[rank] ?? 'unseen';
}

export function isDrawn(asset: AssetRow): boolean {
  return asset.longitude !== null && asset.latitude !== null && DRAWN_KINDS.has(asset.kind);
}

/** Whether the map looks different after a change: most changes are of values, which only the panel shows. */
export function looksDifferent(asset: AssetRow, known: AssetRow | undefined): boolean {
  if (known === undefined) return isDrawn(asset);
  return (
    (asset.state === 'unseen') !== (known.state === 'unseen') ||
    asset.longitude !== known.longitude ||
    asset.latitude !== known.latitude ||
    asset.name_zh !== known.name_zh ||
    asset.name_en !== known.name_en
  );
}

export class AssetBook {
  readonly byKey = new Map<string, AssetRow>();
  #keys = new Map<string, string>(); // by id; of two kinds with the same id the first one
  #changed = new Set<string>();
  #replaced = false;

  take(assets: Iterable<AssetRow>): void {
    for (const asset of assets) {
      const key = keyOf(asset);
      if (looksDifferent(asset, this.byKey.get(key))) this.#changed.add(key);
      this.#put(key, asset);
    }
  }

  replace(assets: Iterable<AssetRow>): void {
    this.byKey.clear();
    this.#keys.clear();
    for (const asset of assets) this.#put(keyOf(asset), asset);
    this.#replaced = true;
  }

  /** What looks different since this was last asked; `all` when the whole list is another one. */
  takeChanged(): ReadonlySet<string> | 'all' {
    const changed = this.#replaced ? 'all' : this.#changed;
    this.#changed = new Set();
    this.#replaced = false;
    return changed;
  }

  /** The asset that an alert is about, whatever its kind. */
  named(assetId: string): AssetRow | undefined {
    const key = this.#keys.get(assetId);
    return key === undefined ? undefined : this.byKey.get(key);
  }

  #put(key: string, asset: AssetRow): void {
    this.byKey.set(key, asset);
    if (!this.#keys.has(asset.asset_id)) this.#keys.set(asset.asset_id, key);
  }
}

export interface Bounds {
  west: number;
  south: number;
  east: number;
  north: number;
}

/** Assets in a window of the map, the worst first, then from north-west to south-east: the way of the keyboard. */
export function inView(assets: Iterable<AssetRow>, bounds: Bounds, stateOf: (asset: AssetRow) => AssetState): AssetRow[] {
  const inside = [...assets].filter(
    ({ longitude, latitude, kind }) =>
      longitude !== null && latitude !== null && DRAWN_KINDS.has(kind) &&
      longitude >= bounds.west && longitude <= bounds.east && latitude >= bounds.south && latitude <= bounds.north,
  );
  const ranks = new Map(inside.map((asset) => [asset, stateRank(stateOf(asset))]));
  return inside.sort(
    (a, b) =>
      (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0) ||
      (b.latitude ?? 0) - (a.latitude ?? 0) ||
      (a.longitude ?? 0) - (b.longitude ?? 0),
  );
}
