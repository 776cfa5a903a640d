// Readings of a day made ready to draw. Pure.

import type { Series } from './contract.ts';
import { bound } from './formats.ts';

export interface Drawn {
  field: string;
  unit: string;
  times: number[]; // seconds, ascending
  values: (number | null)[]; // null breaks the line
  limits: { label: string; value: number }[];
  least: number | null;
  most: number | null;
  newest: number | null;
  doubtful: number;
}

const GOOD = 'good';

/** One picture an item that was measured, those with a limit in front. */
export function drawnOf(series: readonly Series[]): Drawn[] {
  const measured = series.filter((each) => each.points.some((point) => point.value !== null));
  return measured.map(oneOf).sort((a, b) => Number(b.limits.length > 0) - Number(a.limits.length > 0));
}

function oneOf(series: Series): Drawn {
  const points = [...series.points].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const known = points.map((point) => point.value).filter((value) => value !== null);
  return {
    field: series.field,
    unit: series.unit,
    times: points.map((point) => Date.parse(point.at) / 1000),
    values: points.map((point) => point.value),
    limits: limitsOf(series),
    least: known.length === 0 ? null : known.reduce((a, b) => Math.min(a, b)),
    most: known.length === 0 ? null : known.reduce((a, b) => Math.max(a, b)),
    newest: known.at(-1) ?? null,
    doubtful: points.filter((point) => point.quality !== null && point.quality !== GOOD).length,
  };
}

function limitsOf(series: Series): { label: string; value: number }[] {
  const found = new Map<string, { label: string; value: number }>();
  for (const { threshold } of series.limits) {
    if (threshold.value === null) continue;
    const source = [threshold.source?.id, threshold.source?.where].filter(Boolean).join(', ');
    const label = `${bound(threshold.comparator, threshold.value, 'en')}${source === '' ? '' : ` (${source})`}`;
    found.set(`${threshold.value}${threshold.comparator}`, { label, value: threshold.value });
  }
  return [...found.values()];
}

/** The span of values to show: of the readings, and of those limits that are near enough to be of interest. */
export function spanOf(drawn: Pick<Drawn, 'least' | 'most' | 'limits'>): [number, number] {
  const low = drawn.least ?? 0;
  const high = drawn.most ?? 1;
  const size = Math.max(high - low, Math.abs(high) * 0.1, 1e-6);
  const near = drawn.limits.map((limit) => limit.value).filter((value) => value >= low - 2 * size && value <= high + 2 * size);
  const bottom = Math.min(low, ...near);
  const top = Math.max(high, ...near);
  const margin = Math.max(top - bottom, size * 0.5) * 0.08;
  return [bottom < 0 || bottom - margin >= 0 ? bottom - margin : 0, top + margin];
}
