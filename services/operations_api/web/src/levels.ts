// How bad each asset is, from the alerts that stand open: now as they come in, or as they were known at a moment. Pure.
//
// Not from what the database says of assets: that is older by seconds, and absent while the database is away.

import { keyOf, type AssetState } from './asset_book.ts';
import { isOver, rank } from './alert_book.ts';
import type { AlertRow, AssetRow, Severity } from './contract.ts';

export type Levels = ReadonlyMap<string, Severity>; // by key; assets without an alert are not in it

/** The worst open alert of each asset, its own or of what belongs to it. */
export function levelsOf(assets: ReadonlyMap<string, AssetRow>, alerts: Iterable<AlertRow>): Map<string, Severity> {
  const worst = new Map<string, Severity>();
  let byId: Map<string, AssetRow[]> | null = null;
  for (const alert of alerts) {
    if (isOver(alert) || alert.suppression !== null) continue;
    byId ??= indexed(assets.values());
    for (const asset of byId.get(alert.asset) ?? []) {
      for (const each of withParents(asset, assets)) {
        const key = keyOf(each);
        const known = worst.get(key);
        if (known === undefined || rank(alert.severity) < rank(known)) worst.set(key, alert.severity);
      }
    }
  }
  return worst;
}

/** What the mark of an asset shows; what was never heard is only known of today. */
export function stateOf(asset: AssetRow, levels: Levels, isPast: boolean): AssetState {
  return levels.get(keyOf(asset)) ?? (asset.state === 'unseen' && !isPast ? 'unseen' : 'ok');
}

/** The keys whose level is another one. */
export function difference(before: Levels, after: Levels): Set<string> {
  const changed = new Set<string>();
  for (const [key, level] of after) if (before.get(key) !== level) changed.add(key);
  for (const key of before.keys()) if (!after.has(key)) changed.add(key);
  return changed;
}

function indexed(assets: Iterable<AssetRow>): Map<string, AssetRow[]> {
  const byId = new Map<string, AssetRow[]>();
  for (const asset of assets) {
    const same = byId.get(asset.asset_id);
    if (same === undefined) byId.set(asset.asset_id, [asset]);
    else same.push(asset);
  }
  return byId;
}

function withParents(asset: AssetRow, known: ReadonlyMap<string, AssetRow>): AssetRow[] {
  const found: AssetRow[] = [];
  for (let next: AssetRow | undefined = asset; next !== undefined && !found.includes(next); ) {
    found.push(next);
    next = next.parent_kind === null || next.parent_id === null ? undefined : known.get(`${next.parent_kind}/${next.parent_id}`);
  }
  return found;
}
