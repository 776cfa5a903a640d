// The way to a Grafana board; nothing when the API does not know where Grafana is.

import type { App } from '../app.ts';
import { h, safeHref } from '../dom.ts';

export function boardLink(app: App, url: string | null | undefined): HTMLElement | null {
  if (url === null || url === undefined || !/^https?:/.test(url)) return null;
  // The English boards have ids of their own.
  const inLanguage = app.store.language === 'en' ? url.replace(/(\/d\/jianghan-[a-z]+)(?=$|[/?#])/, '$1-en') : url;
  const href = safeHref(inLanguage);
  if (href === null) return null;
  return h('p', {}, h('a', { class: 'board-link', attributes: { href, target: '_blank', rel: 'noopener' } }, app.t('open_board'), ' ↗'));
}
