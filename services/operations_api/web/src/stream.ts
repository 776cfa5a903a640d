// The live stream: opened again whenever it breaks, from where it was; says how it stands.

import { BASE } from './api.ts';
import { EventReader, type ServerEvent } from './sse.ts';

const SILENT_MS = 25_000; // a heartbeat comes each 10 s
const PAUSES_MS = [500, 1_000, 2_000, 5_000, 10_000] as const;

export type StreamState = 'connecting' | 'live' | 'lost' | 'refused';

export interface StreamWatcher {
  event(event: ServerEvent): void;
  /**
   * `live` comes before the first event of a connection; `isResumed`: it goes on where the last one ended, or says
   * `reset`. Otherwise what came before it is not known.
   */
  state(state: StreamState, isResumed: boolean): void;
}

export class Stream {
  #watcher: StreamWatcher;
  #stopped = new AbortController();
  #lastId = '';
  #failures = 0;

  constructor(watcher: StreamWatcher) {
    this.#watcher = watcher;
  }

  async run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      this.#watcher.state(this.#failures === 0 && this.#lastId === '' ? 'connecting' : 'lost', false);
      const refused = await this.#once();
      if (this.#stopped.signal.aborted) return;
      if (refused) {
        this.#watcher.state('refused', false);
        return;
      }
      this.#watcher.state('lost', false);
      await pause(pauseAfter(this.#failures, Math.random()), this.#stopped.signal);
      this.#failures += 1;
    }
  }

  stop(): void {
    this.#stopped.abort();
  }

  /** Read one connection to its end; true when there is no session for it. */
  async #once(): Promise<boolean> {
    const ending = new AbortController();
    const signal = AbortSignal.any([ending.signal, this.#stopped.signal]);
    let watchdog = setTimeout(() => ending.abort(), SILENT_MS);
    try {
      const response = await fetch(`${BASE}/stream?lane=live`, {
        headers: { Accept: 'text/event-stream', ...(this.#lastId === '' ? {} : { 'Last-Event-ID': this.#lastId }) },
        credentials: 'same-origin',
        cache: 'no-store',
        signal,
      });
      if (response.status === 401 || response.status === 403) return true;
      if (!response.ok || response.body === null) return false;
      this.#failures = 0;
      this.#watcher.state('live', this.#lastId !== '');
      const reader = new EventReader();
      const text = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await text.read();
        if (done) return false;
        clearTimeout(watchdog);
        watchdog = setTimeout(() => ending.abort(), SILENT_MS);
        for (const event of reader.feed(value)) this.#watcher.event(event);
        if (reader.lastId !== '') this.#lastId = reader.lastId;
      }
    } catch {
      return false;
    } finally {
      clearTimeout(watchdog);
      ending.abort();
    }
  }
}

/** Pauses grow, each with a share of chance, so that a hundred screens do not come back in one moment. Pure. */
export function pauseAfter(failures: number, chance: number): number {
  const base = PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)] ?? 10_000;
  return base * (0.75 + chance / 2);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const now = (): void => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener('abort', now, { once: true });
    window.addEventListener('online', now, { once: true });
  });
}
