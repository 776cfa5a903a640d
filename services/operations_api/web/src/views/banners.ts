// What one must know about the picture as a whole: it is old, it is of the past, something does not answer.

import type { App } from '../app.ts';
import { h, replaceChildren, type Child } from '../dom.ts';
import { briefTime, fullTime } from '../formats.ts';

const PATIENCE_MS = 3_000; // a connection that is back at once is not worth a line

export function banners(app: App): HTMLElement {
  const box = h('div', { class: 'banners', attributes: { role: 'status' } });
  let shown = '';
  const draw = (): void => {
    const lines = linesOf(app);
    const key = lines.map(([kind, text]) => kind + text).join('\n');
    if (key === shown) return;
    shown = key;
    replaceChildren(box, ...lines.map(([kind, text, more]) => h('p', { class: `banner ${kind}` }, text, more)));
  };
  app.store.on(['stream', 'moment'], draw, app.signal);
  const timer = window.setInterval(draw, 1_000);
  app.signal.addEventListener('abort', () => window.clearInterval(timer));
  draw();
  return box;
}

function linesOf(app: App): [string, string, Child][] {
  const { store } = app;
  const lines: [string, string, Child][] = [];
  if (store.stream === 'lost' && Date.now() - store.heardAt > PATIENCE_MS && store.heardAt > 0) {
    const time = briefTime(new Date(store.heardAt).toISOString(), Date.now(), store.language);
    lines.push(['bad', app.t('lost_long', { time }), null]);
  }
  for (const part of store.health?.parts ?? []) {
    if (part.well) continue;
    if (part.name === 'database') lines.push(['warn', app.t('database_away'), null]);
    else if (part.name === 'kafka') lines.push(['bad', app.t('kafka_away'), null]);
    else lines.push(['warn', app.t('part_unwell', { name: part.name, detail: part.detail }), null]);
  }
  if (store.moment !== null) {
    const back = h(
      'button',
      { class: 'button small', attributes: { type: 'button' }, on: { click: () => void app.controller.look(null) } },
      app.t('back_to_now'),
    );
    const partial = store.past !== null && !store.past.complete ? ` ${app.t('partial')}` : '';
    lines.push(['past', app.t('past', { time: fullTime(store.moment, store.language) }) + partial, back]);
  }
  return lines;
}
