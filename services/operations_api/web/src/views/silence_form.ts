// Silences an asset or its zone until a time.

import type { App } from '../app.ts';
import type { AlertRow } from '../contract.ts';
import { h, setText } from '../dom.ts';
import { briefTime, fromLocalField, toLocalField } from '../formats.ts';

const HOURS = [1, 4, 8, 24] as const;
const HOUR_MS = 3_600_000;

export function silenceForm(app: App, row: AlertRow, done: () => void): HTMLElement {
  const { t, store } = app;
  const zoneName = row.zone === null ? null : nameOf(app, row.zone);
  const scope = h(
    'select',
    { id: 'silence-scope' },
    h('option', { attributes: { value: 'asset' } }, t('silence_asset', { name: nameOf(app, row.asset) })),
    zoneName === null ? null : h('option', { attributes: { value: 'zone' } }, t('silence_zone', { name: zoneName })),
  );
  const until = h('input', { id: 'silence-until', attributes: { type: 'datetime-local', required: true } });
  const set = (hours: number): void => {
    until.value = toLocalField(Date.now() + hours * HOUR_MS);
  };
  set(1);
  const words = h('textarea', { id: 'silence-words', attributes: { required: true, rows: 2, maxlength: 2_000 } });
  const said = h('p', { class: 'complaint', attributes: { role: 'alert' } });
  const send = async (): Promise<void> => {
    const ends = fromLocalField(until.value);
    const text = words.value.trim();
    if (text === '' || ends === null) return setText(said, t('needs_words'));
    const place = scope.value === 'zone' && row.zone !== null ? row.zone : row.asset;
    const iso = new Date(ends).toISOString();
    setText(said, t('sending'));
    const refused = await app.controller.silence({ scope: scope.value as 'asset' | 'zone', place, until: iso, words: text });
    if (refused !== null) return setText(said, refused === '' ? t('not_sent') : t('rejected', { why: refused }));
    app.announce(t('sent_silence', { time: briefTime(iso, Date.now(), store.language) }));
    done();
  };
  const end = async (): Promise<void> => {
    setText(said, t('sending'));
    const refused = await app.controller.endSilence(row);
    if (refused !== null) return setText(said, refused === '' ? t('not_sent') : t('rejected', { why: refused }));
    app.announce(t('ended_silence'));
    done();
  };
  return h(
    'form',
    {
      class: 'small-form',
      attributes: { novalidate: true },
      on: {
        submit: (event) => {
          event.preventDefault();
          void send();
        },
        keydown: (event) => {
          if (event.key !== 'Escape') return;
          event.stopPropagation();
          done();
        },
      },
    },
    h('label', { attributes: { for: 'silence-scope' } }, t('silence_what')),
    scope,
    h('label', { attributes: { for: 'silence-until' } }, t('silence_until')),
    h('div', { class: 'buttons' }, until, ...HOURS.map((n) => h('button', { class: 'button small', attributes: { type: 'button' }, on: { click: () => set(n) } }, t('hours', { n })))),
    h('label', { attributes: { for: 'silence-words' } }, t('silence_words')),
    words,
    said,
    h('div', { class: 'buttons' }, h('button', { class: 'button primary', attributes: { type: 'submit' } }, t('send')), row.silenced_until === null ? null : h('button', { class: 'button', attributes: { type: 'button' }, on: { click: () => void end() } }, t('unsilence')), h('button', { class: 'button', attributes: { type: 'button' }, on: { click: done } }, t('cancel'))),
  );
}

function nameOf(app: App, id: string): string {
  const asset = app.store.assets.named(id);
  return asset === undefined ? id : app.store.language === 'zh' ? asset.name_zh : asset.name_en;
}
