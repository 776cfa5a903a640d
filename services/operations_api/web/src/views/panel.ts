// The panel on the right: one asset, one target, or all targets.

import type { App } from '../app.ts';
import { h, icon, setAttribute } from '../dom.ts';
import type { Selected } from '../store.ts';
import { assetPanel } from './asset_panel.ts';
import { allTargets, targetPanel } from './targets.ts';

const CROSS = ['M6 6l12 12M18 6 6 18'];

export function panel(app: App): HTMLElement {
  const { store, t, controller } = app;
  const body = h('div', { class: 'panel-body' });
  const close = h('button', { class: 'icon-button', attributes: { type: 'button', 'aria-label': t('close'), title: t('close') }, on: { click: () => controller.select(null) } }, icon(CROSS, 20));
  const aside = h('aside', { class: 'panel', attributes: { hidden: true, 'aria-label': t('assets') } }, h('div', { class: 'panel-head' }, close), body);
  let shown = '';
  let place = '';
  let showing = new AbortController();
  let before: Element | null = null;

  const draw = (): void => {
    const { selected } = store;
    const key = JSON.stringify([selected, selected === null ? null : store.moment, selected?.what === 'asset' ? null : store.targets.length > 0]);
    if (key === shown) return;
    const samePlace = JSON.stringify(selected) === place; // shown anew for another moment, say
    place = JSON.stringify(selected);
    shown = key;
    showing.abort();
    showing = new AbortController();
    const signal = AbortSignal.any([app.signal, showing.signal]);
    const opening = aside.hidden && selected !== null;
    if (opening) before = document.activeElement;
    aside.hidden = selected === null;
    setAttribute(document.documentElement, 'data-panel', selected !== null);
    if (selected === null) {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
      return;
    }
    fill(app, body, selected, signal);
    if (!samePlace) body.querySelector<HTMLElement>('h2')?.focus();
  };
  store.on(['selection', 'moment', 'targets'], draw, app.signal);
  app.signal.addEventListener('abort', () => showing.abort());
  queueMicrotask(draw);
  return aside;
}

function fill(app: App, body: HTMLElement, selected: Exclude<Selected, null>, signal: AbortSignal): void {
  body.scrollTop = 0;
  if (selected.what === 'asset') void assetPanel(app, body, selected.kind, selected.id, signal);
  else if (selected.what === 'target') void targetPanel(app, body, selected.id, selected.subject, signal);
  else allTargets(app, body);
}
