// What every view is given: what is known, what can be done, and words in the language of the screen.

import type { Controller } from './controller.ts';
import type { Store } from './store.ts';
import { say, sayValue, type Word } from './words.ts';

export interface App {
  store: Store;
  controller: Controller;
  /** Ends when the page is built anew, in another language or appearance. */
  signal: AbortSignal;
  t(word: Word, values?: Record<string, string | number>): string;
  tv(group: string, value: string): string;
  /** Moves the map to an asset or alert, when there is a map; on a phone only who asks for the map gets it. */
  show(longitude: number, latitude: number, turnToMap?: boolean): void;
  announce(text: string): void;
}

export function wordsOf(store: Store): Pick<App, 't' | 'tv'> {
  return {
    t: (word, values) => say(store.language, word, values),
    tv: (group, value) => sayValue(store.language, group, value),
  };
}
