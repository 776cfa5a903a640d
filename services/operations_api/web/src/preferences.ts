// What somebody chose on this screen: language, appearance, whether it makes itself heard.

import type { Language } from './formats.ts';

export type Theme = 'light' | 'dark';

export interface Preferences {
  language: Language | null; // null: as the browser
  theme: Theme | null;
  sound: boolean;
  flash: boolean;
  keys: boolean; // single letters as commands
  layers: string[];
}

const KEY = 'jianghan.preferences';
const DEFAULT: Preferences = { language: null, theme: null, sound: false, flash: true, keys: true, layers: [] };

/** Reads what was kept; whatever is not a choice of ours counts as none. Pure. */
export function parse(text: string | null): Preferences {
  let kept: unknown = null;
  try {
    kept = text === null ? null : JSON.parse(text);
  } catch {
    return DEFAULT;
  }
  if (typeof kept !== 'object' || kept === null) return DEFAULT;
  const { language, theme, sound, flash, keys, layers } = kept as Record<string, unknown>;
  return {
    language: language === 'zh' || language === 'en' ? language : null,
    theme: theme === 'light' || theme === 'dark' ? theme : null,
    sound: sound === true,
    flash: flash !== false,
    keys: keys !== false,
    layers: Array.isArray(layers) ? layers.filter((each): each is string => typeof each === 'string') : [],
  };
}

/** The first language of the browser that we have. Pure. */
export function languageOf(chosen: Language | null, browser: readonly string[]): Language {
  if (chosen !== null) return chosen;
  for (const each of browser) {
    if (each.toLowerCase().startsWith('zh')) return 'zh';
    if (each.toLowerCase().startsWith('en')) return 'en';
  }
  return 'zh';
}

export function read(): Preferences {
  try {
    return parse(localStorage.getItem(KEY));
  } catch {
    return DEFAULT; // a browser that keeps nothing
  }
}

export function write(preferences: Preferences): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // A browser that keeps nothing: the choice lasts as long as the page.
  }
}
