// The head of the page: how the picture stands, feeds, layers, settings.

import type { App } from '../app.ts';
import { h, icon, replaceChildren, setAttribute, setText } from '../dom.ts';
import { briefTime, fullTime, percent } from '../formats.ts';
import { feedWord } from '../states.ts';
import { settings } from './settings.ts';

const COG = ['M12 8.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zm8.5 5.1.1-1.6-.1-1.6 2-1.5-2-3.5-2.4 1a8 8 0 0 0-2.7-1.6L15 2.5h-4l-.4 2.3a8 8 0 0 0-2.7 1.6l-2.4-1-2 3.5 2 1.5-.1 1.6.1 1.6-2 1.5 2 3.5 2.4-1a8 8 0 0 0 2.7 1.6l.4 2.3h4l.4-2.3a8 8 0 0 0 2.7-1.6l2.4 1 2-3.5z'];
const PULSE = ['M3 12h4l2.5-7 5 14 2.5-7h4'];

export function header(app: App): HTMLElement {
  const stream = h('span', { class: 'stream', attributes: { role: 'status' } });
  const clock = h('time', { class: 'clock' });
  const bar = h(
    'header',
    { class: 'head' },
    h('h1', { class: 'brand' }, app.t('title')),
    stream,
    h('span', { class: 'spring' }),
    clock,
    popover(app.t('feeds'), PULSE, (body) => feeds(app, body)),
    popover(app.t('settings'), COG, (body) => settings(app, body)),
  );
  const tick = (): void => setText(clock, fullTime(Date.now(), app.store.language));
  const timer = window.setInterval(tick, 1_000);
  app.signal.addEventListener('abort', () => window.clearInterval(timer));
  tick();
  app.store.on(['stream'], () => drawStream(app, stream), app.signal);
  drawStream(app, stream);
  return bar;
}

function drawStream(app: App, element: HTMLElement): void {
  const { stream, heardAt, language } = app.store;
  const lost = stream === 'lost' || stream === 'refused';
  setAttribute(element, 'data-state', stream);
  const time = heardAt === 0 ? '–' : briefTime(new Date(heardAt).toISOString(), Date.now(), language);
  setText(element, stream === 'live' ? app.t('live') : lost ? app.t('lost', { time }) : app.t('connecting'));
}

function feeds(app: App, body: HTMLElement): void {
  const list = app.store.feeds;
  const { language } = app.store;
  replaceChildren(
    body,
    h('h2', {}, app.t('feeds')),
    list === null ? app.t('loading') : null,
    h(
      'ul',
      { class: 'plain' },
      ...(list?.items ?? []).map((feed) =>
        h(
          'li',
          {},
          h('strong', {}, feedWord(feed.feed, language)),
          ` ${app.t('feed_health', { heard: feed.heard, registered: feed.registered })} · ${app.t('completeness')} ${percent(feed.completeness, language)}`,
        ),
      ),
    ),
    list === null ? null : h('p', { class: 'quiet' }, app.t('platform_alerts', { n: list.platform_alerts })),
  );
}

/** A button with a box below it; Escape and a click elsewhere close it. */
export function popover(label: string, paths: readonly string[], fill: (body: HTMLElement) => void): HTMLElement {
  const body = h('div', { class: 'popover', attributes: { hidden: true } });
  const button = h(
    'button',
    { class: 'icon-button', attributes: { type: 'button', 'aria-expanded': 'false', 'aria-label': label, title: label }, on: { click: () => set(body.hidden !== false) } },
    icon(paths, 20),
  );
  const box = h('div', { class: 'popover-box' }, button, body);
  const away = (event: Event): void => {
    if (event.target instanceof Node && !box.contains(event.target)) set(false);
  };
  const set = (open: boolean): void => {
    body.hidden = !open;
    setAttribute(button, 'aria-expanded', String(open));
    if (open) {
      fill(body);
      document.addEventListener('pointerdown', away);
    } else document.removeEventListener('pointerdown', away);
  };
  box.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || body.hidden !== false) return;
    event.stopPropagation();
    set(false);
    button.focus();
  });
  return box;
}
