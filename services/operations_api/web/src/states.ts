// Words and colours of the states that the API speaks of. Pure.

import type { AssetState } from './asset_book.ts';
import type { Language } from './formats.ts';
import type { Theme } from './preferences.ts';
import { FEED, SEVERITY, STATUS, WATER_CLASS } from './states.generated.ts';
import { say } from './words.ts';

interface Shown {
  readonly zh: string;
  readonly en: string;
  readonly light: string;
  readonly dark: string;
}

const GREY = '#808080';

function shownBy(table: Readonly<Record<string, Shown>>, value: string): Shown {
  return Object.hasOwn(table, value) ? (table[value] as Shown) : { zh: value, en: value, light: GREY, dark: GREY };
}

export const severityWord = (value: string, language: Language): string => shownBy(SEVERITY, value)[language];
export const severityColour = (value: string, theme: Theme): string => shownBy(SEVERITY, value)[theme];
export const feedWord = (value: string | null, language: Language): string => shownBy(FEED, value ?? 'unknown')[language];
export const feedColour = (value: string | null, theme: Theme): string => shownBy(FEED, value ?? 'unknown')[theme];
export const statusWord = (value: string, language: Language): string => shownBy(STATUS, value)[language];
export const statusColour = (value: string, theme: Theme): string => shownBy(STATUS, value)[theme];
export const lakeClassWord = (value: number, language: Language): string => shownBy(WATER_CLASS, String(value))[language];
export const lakeClassColour = (value: number, theme: Theme): string => shownBy(WATER_CLASS, String(value))[theme];

export function stateWord(state: AssetState, language: Language): string {
  if (state === 'ok') return say(language, 'state_ok');
  if (state === 'unseen') return say(language, 'state_unseen');
  return severityWord(state, language);
}

export function stateColour(state: AssetState, theme: Theme): string {
  if (state === 'ok') return theme === 'light' ? '#56A64B' : '#73BF69';
  return state === 'unseen' ? GREY : severityColour(state, theme);
}
