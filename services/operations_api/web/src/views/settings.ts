// What somebody chooses for this screen, and who they are.

import type { App } from '../app.ts';
import { h, replaceChildren } from '../dom.ts';
import type { Language } from '../formats.ts';
import type { Preferences, Theme } from '../preferences.ts';

/** Called when language or appearance has changed: the page is built anew. */
export const rebuild = { now: (_: Preferences): void => {} };
export const tryTone = { now: (): void => {} };

export function settings(app: App, body: HTMLElement): void {
  const { preferences, me } = app.store;
  const change = (more: Partial<Preferences>): void => rebuild.now({ ...app.store.preferences, ...more });
  replaceChildren(
    body,
    h('h2', {}, app.t('settings')),
    me === null ? null : h('p', { class: 'quiet' }, app.t('signed_in_as', { name: me.name, role: app.tv('role', me.role) })),
    choice(app.t('language'), preferences.language ?? '', [['', app.t('as_browser')], ['zh', '中文'], ['en', 'English']], (value) =>
      change({ language: value === '' ? null : (value as Language) }),
    ),
    choice(app.t('appearance'), preferences.theme ?? '', [['', app.t('as_browser')], ['light', app.t('light')], ['dark', app.t('dark')]], (value) =>
      change({ theme: value === '' ? null : (value as Theme) }),
    ),
    check(app.t('sound'), preferences.sound, (sound) => {
      change({ sound });
      if (sound) tryTone.now();
    }),
    check(app.t('flash'), preferences.flash, (flash) => change({ flash })),
    check(app.t('keys'), preferences.keys, (keys) => change({ keys })),
    h('p', { class: 'quiet' }, app.t('keys_list')),
    h('button', { class: 'button', attributes: { type: 'button' }, on: { click: () => void app.controller.signOut() } }, app.t('sign_out')),
  );
}

export function choice(label: string, value: string, options: readonly (readonly [string, string])[], change: (value: string) => void): HTMLElement {
  const select = h(
    'select',
    { on: { change: () => change(select.value) } },
    ...options.map(([each, words]) => h('option', { attributes: { value: each, selected: each === value } }, words)),
  );
  return h('label', { class: 'field' }, h('span', {}, label), select);
}

export function check(label: string, on: boolean, change: (on: boolean) => void): HTMLElement {
  const box: HTMLInputElement = h('input', { attributes: { type: 'checkbox', checked: on }, on: { change: () => change(box.checked) } });
  return h('label', { class: 'check' }, box, h('span', {}, label));
}
