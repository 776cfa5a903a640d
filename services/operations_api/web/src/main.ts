// Puts the page together: who looks, what they chose, what the address names.

import * as address from './address.ts';
import { Api } from './api.ts';
import { wordsOf, type App } from './app.ts';
import { Controller } from './controller.ts';
import type { LayerName, Me } from './contract.ts';
import { h } from './dom.ts';
import { steer } from './keys.ts';
import { Notifier } from './notifier.ts';
import * as preferences from './preferences.ts';
import { severityWord } from './states.ts';
import { Store } from './store.ts';
import { loadMap } from './map_loader.ts';
import { login, refusal } from './views/login.ts';
import { rebuild, tryTone } from './views/settings.ts';
import { shell, type Shell } from './views/shell.ts';
import { say } from './words.ts';

const dark = window.matchMedia('(prefers-color-scheme: dark)');
const chosen = preferences.read();
const store = new Store(chosen, preferences.languageOf(chosen.language, navigator.languages), themeOf(chosen.theme));
const api = new Api();
const polite = h('div', { class: 'visually-hidden', attributes: { 'aria-live': 'polite' } });
const root = h('div', { id: 'root' });
const canvas = h('div', { class: 'map-canvas' });
const notifier = new Notifier(polite, say(store.language, 'title'));
let life = new AbortController();
let page: Shell | null = null;

const controller = new Controller(store, api, {
  news: (alert, news) => {
    const word = news === 'new' ? 'new_alert' : news === 'worse' ? 'worse_alert' : 'reopened_alert';
    notifier.news(alert, say(store.language, word, { severity: severityWord(alert.severity, store.language), place: alert.place }), store.preferences);
  },
  caughtUp: () => notifier.say(say(store.language, 'caught_up')),
  signedOut: () => showLogin(say(store.language, 'signed_out')),
});

function themeOf(theme: preferences.Theme | null): preferences.Theme {
  return theme ?? (dark.matches ? 'dark' : 'light');
}

function dress(): void {
  document.documentElement.lang = store.language === 'zh' ? 'zh-CN' : 'en';
  document.documentElement.dataset['theme'] = store.theme;
  notifier.retitle(say(store.language, 'title'));
}

function showLogin(message: string | null): void {
  life.abort();
  life = new AbortController();
  page = null;
  root.replaceChildren(login(store.language, api, message, (me) => begin(me)));
}

function begin(me: Me): void {
  controller.begin(me);
  build();
  void follow();
}

/** Builds everything but the map itself, which lives on. */
function build(): void {
  life.abort();
  life = new AbortController();
  const app: App = {
    store,
    controller,
    signal: life.signal,
    ...wordsOf(store),
    show: (longitude, latitude, turnToMap = false) => {
      if (turnToMap) page?.view('map');
      page?.pane.show(longitude, latitude);
    },
    announce: (text) => notifier.say(text),
  };
  page = shell(app, canvas, (layers: LayerName[]) => keep({ ...store.preferences, layers }));
  root.replaceChildren(page.element);
  store.on(['selection'], () => history.replaceState(null, '', `${location.pathname}${address.write(store.openAlert, store.selected)}`), life.signal);
  steer(app);
  void loadMap(app, page.pane, canvas);
}

function keep(next: preferences.Preferences): void {
  store.preferences = next;
  preferences.write(next);
}

rebuild.now = (next) => {
  const looks = next.language !== store.preferences.language || next.theme !== store.preferences.theme;
  keep(next);
  if (!looks) return;
  store.language = preferences.languageOf(next.language, navigator.languages);
  store.theme = themeOf(next.theme);
  dress();
  build();
};
tryTone.now = () => notifier.test();
dark.addEventListener('change', () => {
  if (store.preferences.theme !== null || store.me === null) return;
  store.theme = themeOf(null);
  dress();
  build();
});

/** Opens what the address names. */
async function follow(): Promise<void> {
  const named = address.parse(location.hash, location.search);
  if (named.selected !== null) controller.select(named.selected);
  if (named.alert === null) return;
  const row = await controller.reveal(named.alert);
  if (row !== null && row.longitude !== null && row.latitude !== null) page?.pane.show(row.longitude, row.latitude);
}

window.addEventListener('hashchange', () => {
  if (address.parse(location.hash, '').login !== null) void start();
  else if (store.me !== null) void follow();
});

async function start(): Promise<void> {
  const { login: token } = address.parse(location.hash, location.search);
  if (token !== null) {
    // The token leaves the address before anything else happens: it is not to stay in a history or a picture.
    history.replaceState(null, '', location.pathname);
    const reply = await api.signIn(token);
    if (reply.value !== null) return begin(reply.value);
    return showLogin(refusal(store.language, reply.status));
  }
  const reply = await api.get<Me>('me');
  if (reply.value !== null) return begin(reply.value);
  showLogin(reply.status === 401 ? null : refusal(store.language, reply.status));
}

dress();
document.body.replaceChildren(root, polite);
void start();
