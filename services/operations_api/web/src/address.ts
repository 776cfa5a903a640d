// What the address names: an alert, an asset, a target, or a login. Pure.

import type { Selected } from './store.ts';

export interface Address {
  login: string | null;
  alert: string | null;
  selected: Selected;
}

/** Reads `#alert=<id>`, `#asset=<kind>/<id>`, `#target=<id>/<subject>`, `#login=<token>`, and `?alert=<id>` of old links. */
export function parse(hash: string, search: string): Address {
  const words = new URLSearchParams(hash.replace(/^#/, ''));
  const alert = words.get('alert') ?? new URLSearchParams(search).get('alert');
  return {
    login: words.get('login'),
    alert: alert !== null && /^[0-9a-f]{32}$/.test(alert) ? alert : null,
    selected: selectedOf(words),
  };
}

function selectedOf(words: URLSearchParams): Selected {
  const [kind, assetId] = halves(words.get('asset'));
  if (kind !== '' && assetId !== '') return { what: 'asset', kind, id: assetId };
  const [target, subject] = halves(words.get('target'));
  if (target !== '') return { what: 'target', id: target, subject: subject === '' ? null : subject };
  return words.has('targets') ? { what: 'targets' } : null;
}

function halves(text: string | null): [string, string] {
  if (text === null) return ['', ''];
  const slash = text.indexOf('/');
  return slash < 0 ? [text, ''] : [text.slice(0, slash), text.slice(slash + 1)];
}

export function write(alert: string | null, selected: Selected): string {
  const parts: string[] = [];
  if (alert !== null) parts.push(`alert=${alert}`);
  if (selected?.what === 'asset') parts.push(`asset=${encodeURIComponent(selected.kind)}/${encodeURIComponent(selected.id)}`);
  if (selected?.what === 'target') parts.push(targetHash(selected.id, selected.subject).slice(1));
  if (selected?.what === 'targets') parts.push('targets');
  return parts.length === 0 ? '' : `#${parts.join('&')}`;
}

export function targetHash(id: string, subject: string | null): string {
  return `#target=${encodeURIComponent(id)}${subject === null ? '' : `/${encodeURIComponent(subject)}`}`;
}

export function assetHash(kind: string, id: string): string {
  return `#asset=${encodeURIComponent(kind)}/${encodeURIComponent(id)}`;
}
