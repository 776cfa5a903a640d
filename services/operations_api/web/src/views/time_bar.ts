// The moment that is looked at: a slider over thirty days, an exact field, and the way back to now.

import type { App } from '../app.ts';
import { h, setAttribute, setText } from '../dom.ts';
import { dayAndClock, fromLocalField, toLocalField } from '../formats.ts';

const MINUTE_MS = 60_000;
const STEP_MINUTES = 15;
export const STEPS = (30 * 24 * 60) / STEP_MINUTES;
const PAUSE_MS = 250;

/** The moment of a step of the slider, null at its right end; pure. */
export function momentOf(step: number, now: number): number | null {
  if (step >= STEPS) return null;
  const end = Math.floor(now / (STEP_MINUTES * MINUTE_MS)) * STEP_MINUTES * MINUTE_MS;
  return end - (STEPS - 1 - step) * STEP_MINUTES * MINUTE_MS;
}

/** The step that is nearest to a moment, within the slider; pure. */
export function stepOf(moment: number | null, now: number): number {
  if (moment === null) return STEPS;
  const end = Math.floor(now / (STEP_MINUTES * MINUTE_MS)) * STEP_MINUTES * MINUTE_MS;
  return Math.max(0, Math.min(STEPS - 1, STEPS - 1 - Math.round((end - moment) / (STEP_MINUTES * MINUTE_MS))));
}

export function timeBar(app: App): HTMLElement {
  const { store, t } = app;
  let waiting = 0;
  const look = (moment: number | null, at_once = false): void => {
    show(moment);
    window.clearTimeout(waiting);
    waiting = window.setTimeout(() => void app.controller.look(moment), at_once ? 0 : PAUSE_MS);
  };
  const slider = h('input', {
    attributes: { type: 'range', min: 0, max: STEPS, step: 1, 'aria-label': t('time_slider') },
    on: { input: () => look(momentOf(Number(slider.value), Date.now())) },
  });
  const output = h('output', { class: 'moment' });
  const field = h('input', {
    attributes: { type: 'datetime-local', 'aria-label': t('time_field') },
    on: {
      change: () => {
        const moment = fromLocalField(field.value);
        if (moment !== null) look(moment >= Date.now() ? null : moment, true);
      },
    },
  });
  const now = h('button', { class: 'button small', attributes: { type: 'button' }, on: { click: () => look(null, true) } }, t('back_to_now'));
  const hop = (word: 'earlier' | 'later', sign: string, hours: number): HTMLElement =>
    h(
      'button',
      {
        class: 'button small', attributes: { type: 'button', title: t(word) },
        on: {
          click: () => {
            const moment = (store.moment ?? Date.now()) + hours * 60 * MINUTE_MS;
            look(moment >= Date.now() ? null : moment, true);
          },
        },
      },
      sign,
    );
  const show = (moment: number | null): void => {
    const words = moment === null ? t('now') : dayAndClock(moment, store.language);
    slider.value = String(stepOf(moment, Date.now()));
    setAttribute(slider, 'aria-valuetext', words);
    setText(output, words);
    field.value = toLocalField(moment ?? Date.now());
    now.disabled = moment === null;
  };
  store.on(['moment'], () => show(store.moment), app.signal);
  show(store.moment);
  return h(
    'div',
    { class: 'time-bar', attributes: { role: 'group', 'aria-label': t('time_travel') } },
    h('span', { class: 'time-title' }, t('time_travel')),
    hop('earlier', '−1 h', -1),
    slider,
    hop('later', '+1 h', 1),
    output,
    field,
    now,
  );
}
