// The plan's targets: a strip along the top with the worst in front, and the evidence of one of them.

import { targetHash } from '../address.ts';
import type { App } from '../app.ts';
import type { FigureRevision, IndicatorRow, Target } from '../contract.ts';
import { append, h, replaceChildren } from '../dom.ts';
import { bound, dayAndClock, figure, percent, type Language } from '../formats.ts';
import { standingWord, statusWord } from '../states.ts';
import { boardLink } from './board_link.ts';
import { asKnown, figureList } from './figure_history.ts';

const WORST: Record<Target['standing'], number> = { missed: 0, behind: 1, cannot_say: 2, on_track: 3, met: 4 };
const EVIDENCE_ROWS = 24;
const SIGNS: Record<Target['standing'], string> = { met: '✓', on_track: '→', behind: '↓', missed: '✕', cannot_say: '?' };
const PERIOD_SIGNS: Record<Target['status'], string> = { met: '✓', not_met: '✕', cannot_say: '?' };

/** Those that are measured in front, among them those that stand worst; pure. */
export function ordered(targets: readonly Target[]): Target[] {
  const measured = (target: Target): number => (target.feed === null ? 1 : 0);
  return [...targets].sort((a, b) => measured(a) - measured(b) || WORST[a.standing] - WORST[b.standing]);
}

export function targetStrip(app: App): HTMLElement {
  const list = h('ul', { class: 'targets' });
  const strip = h('nav', { class: 'target-strip', attributes: { 'aria-label': app.t('targets') } }, list);
  let drawn = '';
  const draw = (): void => {
    const targets = ordered(app.store.shownTargets());
    const key = JSON.stringify(targets);
    if (key === drawn) return;
    drawn = key;
    const measured = targets.filter((target) => target.feed !== null);
    const rest = targets.length - measured.length;
    replaceChildren(
      list,
      ...measured.map((target) => h('li', {}, chip(app, target))),
      rest > 0 || targets.length > 0 ? h('li', {}, h('a', { class: 'target more', attributes: { href: '#targets' } }, app.t('targets_all'), rest > 0 ? ` (${targets.length})` : '')) : null,
    );
  };
  app.store.on(['targets', 'moment'], draw, app.signal);
  draw();
  return strip;
}

export function targetName(target: Target, language: Language): string {
  return language === 'zh' ? target.name_zh : target.name_en;
}

/** Why it stands as it does; an older release said it in English alone. */
export function reasonOf(said: Pick<Target, 'status_reason' | 'status_reason_zh'>, language: Language): string {
  return language === 'zh' ? (said.status_reason_zh ?? said.status_reason) : said.status_reason;
}

function chip(app: App, target: Target): HTMLElement {
  const { language } = app.store;
  const about = subjectName(app, target);
  return h(
    'a',
    { class: 'target', attributes: { href: targetHash(target.id, target.subject), 'data-standing': target.standing, title: standingReason(target, language) } },
    h('span', { class: 'sign', attributes: { 'aria-hidden': 'true' } }, SIGNS[target.standing]),
    h(
      'span',
      { class: 'target-text' },
      h('span', { class: 'target-name' }, about === null ? '' : `${about} · `, targetName(target, language)),
      h(
        'span',
        { class: 'target-value' },
        h('b', {}, standingWord(target.standing, language)),
        target.value === null ? '' : ` ${figure(target.value, language)}`,
        h('span', { class: 'quiet' }, ` · ${goalOf(app, target)}`),
      ),
    ),
  );
}

function standingReason(target: Target, language: Language): string {
  return language === 'zh' ? target.standing_reason_zh : target.standing_reason;
}

/** Why it stands where it does, with its path to the due date. */
function onItsWay(app: App, target: Target): HTMLElement {
  const { language } = app.store;
  const amounts = [
    target.expected === null ? null : app.t('target_path', { value: `${figure(target.expected, language)} ${target.unit}` }),
    target.rate_needed === null || target.standing !== 'behind' ? null : app.t('target_needed', { value: `${figure(target.rate_needed, language)} ${target.unit}` }),
  ].filter((each) => each !== null);
  return h(
    'p',
    {},
    h('strong', {}, `${app.t('target_on_its_way')}: `),
    standingReason(target, language),
    ...(amounts.length > 0 ? [h('br', {}), amounts.join(' · ')] : []),
  );
}

function goalOf(app: App, target: Target): string {
  return app.t('target_goal', { bound: bound(target.comparator, target.target, app.store.language) });
}

function subjectName(app: App, target: Target): string | null {
  if (target.subject === null) return null;
  const asset = app.store.assets.named(target.subject);
  if (asset === undefined || asset.kind === 'district') return null;
  return app.store.language === 'zh' ? asset.name_zh : asset.name_en;
}

/** Every target, the measured ones in front. */
export function allTargets(app: App, body: HTMLElement): void {
  const draw = (): void =>
    replaceChildren(
      body,
      h('h2', { attributes: { tabindex: -1 } }, app.t('targets_all')),
      h('ul', { class: 'plain all-targets' }, ...ordered(app.store.shownTargets()).map((target) => h('li', {}, chip(app, target)))),
    );
  draw();
}

export async function targetPanel(app: App, body: HTMLElement, id: string, subject: string | null, signal: AbortSignal): Promise<void> {
  const { language } = app.store;
  const target = app.store.shownTargets().find((each) => each.id === id && (subject === null || each.subject === subject));
  if (target === undefined) {
    replaceChildren(body, h('h2', { attributes: { tabindex: -1 } }, id), h('p', {}, app.t('no_targets')));
    return;
  }
  const about = subjectName(app, target);
  const rows = h('div', {}, app.t('loading'));
  replaceChildren(
    body,
    h('h2', { attributes: { tabindex: -1 } }, targetName(target, language), about === null ? '' : ` · ${about}`),
    h('p', { class: 'status-line', attributes: { 'data-standing': target.standing } }, h('span', { class: 'sign', attributes: { 'aria-hidden': 'true' } }, SIGNS[target.standing]), h('b', {}, standingWord(target.standing, language))),
    h(
      'p',
      {},
      target.value === null ? '' : `${app.t('target_value', { value: figure(target.value, language), unit: target.unit })} · `,
      `${goalOf(app, target)} ${target.unit}`,
      target.due === null ? '' : ` · ${app.t('target_due', { day: target.due })}`,
    ),
    h('p', { class: 'quiet' }, `${target.plan_id} ${target.plan_version}, ${app.t('target_page', { page: target.page })}`),
    onItsWay(app, target),
    target.checked_by === 'reported' ? null : h('p', {}, h('strong', {}, `${app.t('target_last_period')}: `), statusWord(target.status, language), ' · ', reasonOf(target, language)),
    boardLink(app, target.grafana_url),
    h('h3', {}, app.t(target.checked_by === 'reported' ? 'figure_history' : 'evidence_rows')),
    rows,
  );
  if (target.checked_by === 'reported') return entered(app, rows, id, signal);
  if (target.indicator === null) {
    replaceChildren(rows, h('p', {}, app.t('no_values')));
    return;
  }
  const reply = await app.controller.api.follow<{ items: IndicatorRow[] }>(target.indicator, { limit: EVIDENCE_ROWS });
  if (signal.aborted) return;
  replaceChildren(rows);
  if (reply.value === null) append(rows, h('p', {}, app.t('no_answer')));
  else if (reply.value.items.length === 0) append(rows, h('p', {}, app.t('no_values')));
  else append(rows, evidenceTable(app, reply.value.items));
}

async function entered(app: App, rows: HTMLElement, id: string, signal: AbortSignal): Promise<void> {
  const reply = await app.controller.api.get<{ items: FigureRevision[] }>('target-figures', { target: id });
  if (signal.aborted) return;
  const known = reply.value === null ? null : asKnown(reply.value.items, app.store.moment ?? Number.POSITIVE_INFINITY);
  replaceChildren(rows, known === null ? h('p', {}, app.t('no_answer')) : known.length === 0 ? h('p', {}, app.t('no_figures')) : figureList(app, known));
}

function evidenceTable(app: App, rows: readonly IndicatorRow[]): HTMLElement {
  const { language } = app.store;
  return h(
    'div',
    { class: 'table-scroll', attributes: { tabindex: 0, role: 'region', 'aria-label': app.t('evidence_rows') } },
    h(
      'table',
      {},
      h('thead', {}, h('tr', {}, ...(['period', 'value', 'readings_n', 'completeness', 'target_why'] as const).map((word) => h('th', { attributes: { scope: 'col' } }, app.t(word))))),
      h(
        'tbody',
        {},
        ...rows.map((row) =>
          h(
            'tr',
            {},
            h('td', {}, dayAndClock(row.period_start, language)),
            h('td', {}, `${PERIOD_SIGNS[row.status]} ${figure(row.value, language)} ${row.unit}`),
            h('td', {}, figure(row.n, language)),
            h('td', {}, percent(row.completeness, language)),
            h('td', {}, reasonOf(row, language)),
          ),
        ),
      ),
    ),
  );
}
