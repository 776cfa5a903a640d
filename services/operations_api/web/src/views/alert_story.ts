// What happened to one alert: what the platform said and what people did, in the order of time.

import type { App } from '../app.ts';
import type { AlertAction, AlertDetail, AlertEvent, AlertRow } from '../contract.ts';
import { h, replaceChildren } from '../dom.ts';
import { briefTime } from '../formats.ts';
import { severityWord } from '../states.ts';
import { boardLink } from './board_link.ts';

export class AlertStory {
  readonly element = h('section', { class: 'story' });
  #app: App;
  #shown = '';
  #asked = 0;

  constructor(app: App) {
    this.#app = app;
  }

  update(row: AlertRow): void {
    const heard = this.#app.store.touched.get(row.alert_id) ?? 0;
    const key = JSON.stringify([row.revision, row.seen, row.standing, heard]);
    if (key === this.#shown) return;
    this.#shown = key;
    void this.#load(row.alert_id);
  }

  async #load(alertId: string): Promise<void> {
    this.#asked += 1;
    const asked = this.#asked;
    const reply = await this.#app.controller.api.get<AlertDetail>(`alerts/${encodeURIComponent(alertId)}`);
    if (asked !== this.#asked || reply.value === null) return;
    this.#draw(reply.value);
  }

  #draw(alert: AlertDetail): void {
    const { t, tv, store } = this.#app;
    const { language } = store;
    const said = alert.history.map((event): [string, string, string] => [event.at, this.#saidWords(event), language === 'zh' ? event.text_zh : event.text_en]);
    const done = alert.actions.map((action): [string, string, string] => [action.at, this.#doneWords(action), '']);
    const lines = [...said, ...done].sort(([a], [b]) => a.localeCompare(b));
    const subject = store.assets.named(alert.asset);
    const show = subject === undefined ? null : h(
      'button',
      { class: 'button small', attributes: { type: 'button' }, on: { click: () => this.#app.controller.select({ what: 'asset', kind: subject.kind, id: subject.asset_id }) } },
      `${tv('kind', subject.kind)}: ${language === 'zh' ? subject.name_zh : subject.name_en}`,
    );
    const { longitude, latitude } = alert;
    const onMap = longitude === null || latitude === null ? null : h(
      'button',
      { class: 'button small', attributes: { type: 'button' }, on: { click: () => this.#app.show(longitude, latitude, true) } },
      t('show_on_map'),
    );
    replaceChildren(
      this.element,
      h('div', { class: 'buttons' }, show, onMap),
      h('h3', {}, t('history')),
      alert.history_complete ? null : h('p', { class: 'quiet' }, t('history_partial')),
      h(
        'ol',
        { class: 'plain story-lines' },
        ...lines.map(([at, words, text]) =>
          h('li', {}, h('time', { attributes: { datetime: at } }, briefTime(at, Date.now(), language)), ' ', h('span', { attributes: { title: text } }, words)),
        ),
      ),
      boardLink(this.#app, alert.grafana_url),
    );
  }

  #saidWords(event: AlertEvent): string {
    return `${this.#app.tv('said', event.event)} · ${severityWord(event.severity, this.#app.store.language)}`;
  }

  #doneWords(action: AlertAction): string {
    const { t, tv } = this.#app;
    const values = { name: action.by_name || action.by, who: action.assignee ?? '', words: action.words ?? '' };
    switch (action.kind) {
      case 'acknowledge': return t('did_acknowledge', values);
      case 'assign': return t('did_assign', values);
      case 'comment': return t('did_comment', values);
      case 'close': return t('did_close', values);
      case 'escalate': return t('did_escalate', values);
      case 'receive': return t('did_receive', values);
      default: return tv('did', action.kind);
    }
  }
}
