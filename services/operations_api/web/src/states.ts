// Words and colours of the states that the API speaks of. Pure.

import type { AssetState } from './asset_book.ts';
import type { Language } from './formats.ts';
import { ASSET_STATE, FEED, SEVERITY, STATUS, TARGET_STANDING, WATER_CLASS } from './states.generated.ts';
import { say } from './words.ts';

interface Shown {
  readonly zh: string;
  readonly en: string;
  readonly colour: string;
}

function shownBy(table: Readonly<Record<string, Shown>>, value: string): Shown {
  return Object.hasOwn(table, value) ? (table[value] as Shown) : { zh: value, en: value, colour: ASSET_STATE.unseen.colour };
}

export const severityWord = (value: string, language: Language): string => shownBy(SEVERITY, value)[language];
export const feedWord = (value: string | null, language: Language): string => shownBy(FEED, value ?? 'unknown')[language];
export const statusWord = (value: string, language: Language): string => shownBy(STATUS, value)[language];
export const standingWord = (value: string, language: Language): string => shownBy(TARGET_STANDING, value)[language];
export const lakeClassWord = (value: number, language: Language): string => shownBy(WATER_CLASS, String(value))[language];
export const lakeClassColour = (value: number): string => shownBy(WATER_CLASS, String(value)).colour;

export function stateWord(state: AssetState, language: Language): string {
  if (state === 'ok') return say(language, 'state_ok');
  if (state === 'unseen') return say(language, 'state_unseen');
  return severityWord(state, language);
}

export const stateColour = (state: AssetState): string => shownBy(ASSET_STATE, state).colour;
