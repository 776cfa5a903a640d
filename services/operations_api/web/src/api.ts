// Speaks with the API. Every answer comes back as a value, a refusal too: what went wrong is shown, never thrown away.

import type { ActionBody, AlertRow, Me, Problem, Silence } from './contract.ts';

export const BASE = '/api/v1';
const PATIENCE_MS = 20_000;

export interface Reply<T> {
  status: number; // 0: no answer came
  value: T | null;
  problem: (Problem & { alert?: AlertRow }) | null;
}

export class Api {
  csrf: string | null = null;
  /** Called when an answer says that there is no session. */
  onSignedOut: () => void = () => {};

  get<T>(path: string, query: Record<string, string | number | null | undefined> = {}): Promise<Reply<T>> {
    const known = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '');
    const words = new URLSearchParams(known.map(([name, value]) => [name, String(value)]));
    return this.#ask<T>('GET', words.size > 0 ? `${path}?${words}` : path);
  }

  /** Asks where an answer of the API leads: a path of its own, which may have a query already. */
  follow<T>(path: string, query: Record<string, string | number>): Promise<Reply<T>> {
    return this.#ask<T>('GET', followed(path, query));
  }

  signIn(token: string): Promise<Reply<Me>> {
    return this.#ask<Me>('POST', 'session', { body: { token } });
  }

  signOut(): Promise<Reply<unknown>> {
    return this.#ask('DELETE', 'session');
  }

  act(alertId: string, body: ActionBody, key: string): Promise<Reply<{ alert: AlertRow }>> {
    return this.#ask('POST', `alerts/${encodeURIComponent(alertId)}/actions`, { body, key });
  }

  unsilence(scope: string, place: string, key: string): Promise<Reply<unknown>> {
    return this.#ask('DELETE', `silences/${encodeURIComponent(scope)}/${encodeURIComponent(place)}`, { key });
  }

  silence(body: Silence, key: string): Promise<Reply<unknown>> {
    return this.#ask('POST', 'silences', { body, key });
  }

  async #ask<T>(method: string, path: string, more: { body?: unknown; key?: string } = {}): Promise<Reply<T>> {
    const headers: Record<string, string> = { Accept: 'application/json' };
    if (more.body !== undefined) headers['Content-Type'] = 'application/json';
    if (more.key !== undefined) headers['Idempotency-Key'] = more.key;
    if (method !== 'GET' && this.csrf !== null) headers['X-CSRF-Token'] = this.csrf;
    let response: Response;
    let value: unknown;
    try {
      response = await fetch(`${BASE}/${path}`, {
        method,
        headers,
        credentials: 'same-origin',
        cache: 'no-store',
        signal: AbortSignal.timeout(PATIENCE_MS),
        ...(more.body === undefined ? {} : { body: JSON.stringify(more.body) }),
      });
      const text = await response.text();
      value = text === '' ? null : JSON.parse(text);
    } catch {
      return { status: 0, value: null, problem: null };
    }
    if (response.ok) return { status: response.status, value: value as T, problem: null };
    if (response.status === 401 && path !== 'session') this.onSignedOut();
    return { status: response.status, value: null, problem: asProblem(value, response) };
  }
}

/** A path that the API gave, below its base, with more words of query; what leads elsewhere is refused. */
export function followed(path: string, query: Record<string, string | number>): string {
  const url = new URL(path, 'http://here');
  if (url.origin !== 'http://here' || !url.pathname.startsWith(`${BASE}/`)) throw new Error(`not of this API: ${path}`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
  return `${url.pathname.slice(BASE.length + 1)}${url.search}`;
}

function asProblem(value: unknown, response: Response): Problem {
  if (typeof value === 'object' && value !== null && 'title' in value) return value as Problem;
  return { title: response.statusText || String(response.status), status: response.status };
}
