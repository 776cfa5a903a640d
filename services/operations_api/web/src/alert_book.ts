// What is known of alerts, and which of them an operator asked to see. Pure.

import type { AlertRow, Feed, Severity } from './contract.ts';

export interface Filter {
  feeds: ReadonlySet<Feed>; // empty: all
  severities: ReadonlySet<Severity>;
  zones: ReadonlySet<string>;
  mine: boolean;
  ended: boolean; // also what is over
  text: string;
}

export const NO_FILTER: Filter = {
  feeds: new Set(),
  severities: new Set(),
  zones: new Set(),
  mine: false,
  ended: false,
  text: '',
};

const RANK: Record<Severity, number> = { I: 0, II: 1, III: 2, IV: 3 };

export function rank(severity: Severity): number {
  return RANK[severity];
}

/** Whether a row may replace another one: lists and the stream overtake each other, an older word never wins. */
export function replaces(row: AlertRow, known: AlertRow | undefined): boolean {
  if (known === undefined || row.revision > known.revision) return true;
  return row.revision === known.revision && row.seen >= known.seen;
}

export function isOver(row: AlertRow): boolean {
  return row.standing === 'resolved' || row.standing === 'retracted' || row.standing === 'closed';
}

export type News = 'new' | 'worse' | 'reopened' | 'changed' | 'stale';

/** What a row means to somebody who watches; only what is new, worse or open again is worth a sound. */
export function newsOf(row: AlertRow, known: AlertRow | undefined): News {
  if (!replaces(row, known)) return 'stale';
  if (isOver(row) || row.suppression !== null) return 'changed';
  if (known === undefined) return 'new';
  if (isOver(known)) return 'reopened';
  return rank(row.severity) < rank(known.severity) ? 'worse' : 'changed';
}

/** The alerts that a filter lets pass, the worst first, then the oldest that nobody has taken. */
export function shown(rows: Iterable<AlertRow>, filter: Filter, me: string): AlertRow[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return [...rows].filter((row) => passes(row, filter, words, me)).sort(order);
}

function passes(row: AlertRow, filter: Filter, words: readonly string[], me: string): boolean {
  if (isOver(row) && !filter.ended) return false;
  if (row.suppression !== null && !filter.ended) return false;
  if (filter.feeds.size > 0 && !filter.feeds.has(row.feed)) return false;
  if (filter.severities.size > 0 && !filter.severities.has(row.severity)) return false;
  if (filter.zones.size > 0 && !filter.zones.has(row.zone ?? '')) return false;
  if (filter.mine && row.assignee !== me && row.acknowledged?.by !== me && row.acknowledged?.by_name !== me) return false;
  if (words.length === 0) return true;
  const text = [row.place, row.asset, row.rule, row.text_zh, row.text_en, row.assignee ?? ''].join('\n').toLowerCase();
  return words.every((word) => text.includes(word));
}

function order(a: AlertRow, b: AlertRow): number {
  return (
    Number(isOver(a)) - Number(isOver(b)) ||
    rank(a.severity) - rank(b.severity) ||
    Number(a.acknowledged !== null) - Number(b.acknowledged !== null) ||
    a.started_at.localeCompare(b.started_at) ||
    a.alert_id.localeCompare(b.alert_id)
  );
}

/** How many stand open at each level, suppressed ones left out. */
export function counts(rows: Iterable<AlertRow>): Record<Severity, number> {
  const found: Record<Severity, number> = { I: 0, II: 0, III: 0, IV: 0 };
  for (const row of rows) if (!isOver(row) && row.suppression === null) found[row.severity] += 1;
  return found;
}
