// What people entered for a target that no sensor measures: every revision, with its document, who entered and who confirmed it.

import type { App } from '../app.ts';
import type { FigureRevision } from '../contract.ts';
import { h } from '../dom.ts';
import { figure, fullTime } from '../formats.ts';

/** Revisions as they were known at a moment, the newest period in front and its newest revision first; pure. */
export function asKnown(rows: readonly FigureRevision[], atMs: number): FigureRevision[] {
  const known = rows.filter((row) => Date.parse(row.entered_at) <= atMs);
  const confirmed = (row: FigureRevision): boolean => row.confirmed_at !== null && Date.parse(row.confirmed_at) <= atMs;
  return known
    .map((row) => (confirmed(row) ? row : { ...row, confirmed_by: null, confirmed_by_name: null, confirmed_at: null }))
    .sort((a, b) => b.period_end.localeCompare(a.period_end) || b.period_start.localeCompare(a.period_start) || b.revision - a.revision);
}

export function figureList(app: App, rows: readonly FigureRevision[]): HTMLElement {
  return h('ul', { class: 'plain figures' }, ...rows.map((row) => revisionItem(app, row)));
}

function revisionItem(app: App, row: FigureRevision): HTMLElement {
  const { language } = app.store;
  const { title, number, page, sha256 } = row.source;
  const document = [title, number, page === null ? '' : app.t('figure_page', { page: String(page) })].filter((each) => each !== '').join(' · ');
  const period = row.period_start === row.period_end ? row.period_end : `${row.period_start} – ${row.period_end}`;
  const confirmed = row.confirmed_at === null ? null : `${row.confirmed_by_name ?? row.confirmed_by ?? ''}, ${fullTime(row.confirmed_at, language)}`;
  return h(
    'li',
    { attributes: { 'data-waits': String(confirmed === null) } },
    h('p', {}, h('b', {}, `${figure(row.value, language)} ${row.unit}`), ` · ${period} · ${app.t('figure_revision', { n: String(row.revision) })}`),
    h('p', {}, app.t('figure_document', { document }), sha256 === null ? '' : h('span', { class: 'quiet', attributes: { title: sha256 } }, ` · SHA-256 ${sha256.slice(0, 12)}…`)),
    h('p', {}, app.t('figure_entered', { by: `${row.entered_by_name}, ${fullTime(row.entered_at, language)}` })),
    h('p', {}, confirmed === null ? h('b', {}, app.t('figure_waits')) : app.t('figure_confirmed', { by: confirmed })),
    row.note === '' ? null : h('p', {}, app.t('figure_note', { note: row.note })),
  );
}
