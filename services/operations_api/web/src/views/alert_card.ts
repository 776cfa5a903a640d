// One alert of the list: what, where, since when, who has it; opened, everything about it and what can be done.

import type { Progress } from '../acting.ts';
import { isOver } from '../alert_book.ts';
import type { App } from '../app.ts';
import type { AlertRow } from '../contract.ts';
import { h, replaceChildren, setAttribute, setText, type Child } from '../dom.ts';
import { age, bound, briefTime, figure } from '../formats.ts';
import { markCanvas } from '../map/icons.ts';
import { feedWord, severityWord } from '../states.ts';
import { ActionBar } from './action_bar.ts';
import { AlertStory } from './alert_story.ts';

export class AlertCard {
  readonly element: HTMLLIElement;
  #app: App;
  #row: AlertRow;
  #open = false;
  #button: HTMLButtonElement;
  #mark = h('span', { class: 'card-mark' });
  #place = h('span', { class: 'place' });
  #level = h('span', { class: 'level-word' });
  #age = h('span', { class: 'age' });
  #text = h('span', { class: 'text' });
  #chips = h('span', { class: 'chips' });
  #body: HTMLElement;
  #facts = h('dl', { class: 'facts' });
  #actions: ActionBar | null = null;
  #story: AlertStory | null = null;
  #progress = h('div', { class: 'progress', attributes: { role: 'status' } });
  #drawn = '';

  constructor(app: App, row: AlertRow) {
    this.#app = app;
    this.#row = row;
    const bodyId = `alert-${row.alert_id}`;
    this.#button = h(
      'button',
      {
        class: 'card-head',
        attributes: { type: 'button', 'aria-expanded': 'false', 'aria-controls': bodyId },
        on: { click: () => this.#toggle() },
      },
      this.#mark,
      h('span', { class: 'card-lines' }, h('span', { class: 'line top' }, this.#place, this.#age), this.#text, h('span', { class: 'line' }, this.#level, this.#chips)),
    );
    this.#body = h('div', { class: 'card-body', id: bodyId, attributes: { hidden: true } });
    this.element = h('li', { class: 'card', attributes: { 'data-alert': row.alert_id } }, this.#button, this.#progress, this.#body);
    this.update(row);
  }

  update(row: AlertRow): void {
    const { store } = this.#app;
    this.#row = row;
    const progress = store.acting.get(row.alert_id);
    const open = store.openAlert === row.alert_id;
    const fresh = store.fresh.has(row.alert_id);
    const heard = open ? store.touched.get(row.alert_id) : 0; // a comment changes the story and nothing else
    const key = JSON.stringify([row, progress ?? null, open, fresh, store.mayAct, heard]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#drawHead(row, fresh);
    this.#drawProgress(progress);
    this.#setOpen(open);
    if (open) this.#drawBody(row, progress);
  }

  /** Called each second. */
  tick(): void {
    const { language } = this.#app.store;
    const over = this.#row.ended_at !== null;
    const until = this.#row.ended_at === null ? this.#app.store.at() : Date.parse(this.#row.ended_at);
    setText(this.#age, this.#app.t(over ? 'lasted' : 'lasts', { age: age(Date.parse(this.#row.started_at), until, language) }));
  }

  focus(): void {
    this.#button.focus();
  }

  #toggle(): void {
    const { store, controller } = this.#app;
    const opening = store.openAlert !== this.#row.alert_id;
    controller.openAlert(opening ? this.#row.alert_id : null);
    // What is about the whole district has its middle as a place: nothing to see there.
    if (!opening || store.assets.named(this.#row.asset)?.kind === 'district') return;
    if (this.#row.longitude !== null && this.#row.latitude !== null) this.#app.show(this.#row.longitude, this.#row.latitude);
  }

  #drawHead(row: AlertRow, fresh: boolean): void {
    const { store } = this.#app;
    const over = isOver(row);
    setAttribute(this.element, 'data-severity', row.severity);
    setAttribute(this.element, 'data-standing', row.standing);
    setAttribute(this.element, 'data-fresh', fresh);
    replaceChildren(this.#mark, markCanvas(row.feed, over ? 'ok' : row.severity, store.theme));
    setText(this.#place, placeOf(this.#app, row));
    setText(this.#level, `${severityWord(row.severity, store.language)} · ${feedWord(row.feed, store.language)}`);
    setText(this.#text, store.language === 'zh' ? row.text_zh : row.text_en);
    replaceChildren(this.#chips, ...this.#chipsOf(row));
    this.tick();
  }

  #chipsOf(row: AlertRow): Child[] {
    const { t, tv, store } = this.#app;
    const chip = (text: string, kind: string): HTMLElement => h('span', { class: `chip ${kind}` }, text);
    const when = (time: string): string => briefTime(time, Date.now(), store.language);
    return [
      chip(tv('standing', row.standing), row.standing),
      row.assignee !== null && chip(t('assigned_to', { name: row.assignee }), 'assigned'),
      row.escalated_at !== null && row.standing === 'open' && chip(t('escalated', { time: when(row.escalated_at) }), 'escalated'),
      row.silenced_until !== null && chip(t('silenced', { time: when(row.silenced_until) }), 'silenced'),
      row.suppression !== null && chip(tv('suppressed', row.suppression.kind), 'silenced'),
    ];
  }

  #drawProgress(progress: Progress | undefined): void {
    const { t, controller } = this.#app;
    const id = this.#row.alert_id;
    const button = (word: 'retry' | 'close', act: () => void): HTMLElement =>
      h('button', { class: 'button small', attributes: { type: 'button' }, on: { click: act } }, t(word));
    const forget = (): HTMLElement => button('close', () => controller.forget(id));
    setAttribute(this.#progress, 'data-step', progress?.step);
    switch (progress?.step) {
      case undefined:
      case 'done':
        return replaceChildren(this.#progress);
      case 'sending':
        return replaceChildren(this.#progress, h('span', { class: 'spinner', attributes: { 'aria-hidden': 'true' } }), `${t(progress.body.kind === 'close' ? 'close_alert' : progress.body.kind)} · ${t('sending')}`);
      case 'overtaken':
        return replaceChildren(this.#progress, t('overtaken', { now: this.#nowWords(progress.alert) }), forget());
      case 'failed':
        if (progress.problem === null) return replaceChildren(this.#progress, t('not_sent'), button('retry', () => void controller.repeat(id)), forget());
        return replaceChildren(this.#progress, t('rejected', { why: progress.problem.detail ?? progress.problem.title }), button('retry', () => void controller.repeat(id)), forget());
    }
  }

  /** What happened instead, in words. */
  #nowWords(row: AlertRow): string {
    const { t, tv, store } = this.#app;
    const when = (time: string): string => briefTime(time, Date.now(), store.language);
    if (row.standing === 'closed' && row.closed !== null) {
      return t('closed_by', { name: row.closed.by_name || row.closed.by, time: when(row.closed.at), words: row.closed.words ?? '' });
    }
    const parts = [tv('standing', row.standing)];
    if (row.acknowledged !== null) parts.push(t('taken_by', { name: row.acknowledged.by_name || row.acknowledged.by, time: when(row.acknowledged.at) }));
    if (row.assignee !== null) parts.push(t('assigned_to', { name: row.assignee }));
    return parts.join(' · ');
  }

  #setOpen(open: boolean): void {
    if (open === this.#open) return;
    this.#open = open;
    this.#body.hidden = !open;
    setAttribute(this.#button, 'aria-expanded', String(open));
    setAttribute(this.element, 'data-open', open);
    if (!open) {
      this.#actions = null;
      this.#story = null;
      replaceChildren(this.#body);
    }
  }

  #drawBody(row: AlertRow, progress: Progress | undefined): void {
    if (this.#actions === null || this.#story === null) {
      this.#actions = new ActionBar(this.#app, row);
      this.#story = new AlertStory(this.#app);
      const text = h('p', { class: 'full-text' });
      this.#body.append(text, this.#facts, this.#actions.element, this.#story.element);
    }
    setText(this.#body.firstElementChild as Element, this.#app.store.language === 'zh' ? row.text_zh : row.text_en);
    replaceChildren(this.#facts, ...this.#factsOf(row));
    this.#actions.update(row, progress);
    this.#story.update(row);
  }

  #factsOf(row: AlertRow): Child[] {
    const { t, tv, store } = this.#app;
    const { language } = store;
    const fact = (name: string, value: string | null): Child[] => (value === null ? [] : [h('dt', {}, name), h('dd', {}, value)]);
    const limit = row.threshold;
    const source = limit?.source;
    const when = (time: string): string => briefTime(time, Date.now(), language);
    const taken = row.acknowledged;
    const closed = row.closed;
    return [
      ...fact(t('observed'), row.observed_value === null ? null : `${figure(row.observed_value, language)} ${tv('unit', row.observed_unit)}`),
      ...fact(t('limit'), limit === null ? null : `${bound(limit.comparator, limit.value, language)} ${tv('unit', limit.unit)}`),
      ...fact(t('source'), source === undefined || source === null ? null : [source.id, source.version, source.where].filter(Boolean).join(', ')),
      ...fact(t('rule'), row.rule),
      ...fact(t('standing_acknowledged'), taken === null ? null : t('taken_by', { name: taken.by_name || taken.by, time: when(taken.at) })),
      ...fact(t('standing_closed'), closed === null ? null : t('closed_by', { name: closed.by_name || closed.by, time: when(closed.at), words: closed.words ?? '' })),
      ...fact(t('began'), when(row.started_at)),
      ...fact(t('received'), row.received_by.length === 0 ? null : row.received_by.join(', ')),
    ];
  }
}

/** Where it is: by the register's name in the language of the page, else in the alert's own words. */
export function placeOf(app: App, row: AlertRow): string {
  const asset = app.store.assets.named(row.asset);
  const name = app.store.language === 'en' ? (asset?.name_en ?? '') : (asset?.name_zh ?? '');
  if (asset === undefined || name === '' || name === asset.asset_id) return row.place;
  const parent = asset.parent_kind === 'lake' ? app.store.assets.byKey.get(`lake/${asset.parent_id}`) : undefined;
  const within = parent === undefined ? '' : app.store.language === 'en' ? parent.name_en : parent.name_zh;
  return within === '' || name.startsWith(within) ? name : `${within} · ${name}`;
}
