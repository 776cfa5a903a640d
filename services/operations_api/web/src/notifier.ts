// Makes news heard and seen: a tone, a flashing title, and words for screen readers. Only what somebody chose.

import type { AlertRow } from './contract.ts';
import type { Preferences } from './preferences.ts';

const TONES: Record<string, readonly number[]> = { I: [880, 660, 880], II: [740, 740], III: [590], IV: [520] };
const FLASHES_MS = 1_000;

export class Notifier {
  #polite: HTMLElement;
  #audio: AudioContext | null = null;
  #flashing = 0;
  #title: string;
  #waiting: string[] = [];

  constructor(polite: HTMLElement, title: string) {
    this.#polite = polite;
    this.#title = title;
    document.title = title;
    for (const event of ['focus', 'pointerdown', 'keydown']) window.addEventListener(event, () => this.#calm(), { passive: true });
  }

  /** A screen reader says it; several within a moment are said together. */
  say(text: string): void {
    this.#waiting.push(text);
    if (this.#waiting.length > 1) return;
    window.setTimeout(() => {
      this.#polite.textContent = this.#waiting.slice(-3).join(' ');
      this.#waiting = [];
    }, 300);
  }

  news(alert: AlertRow, words: string, preferences: Preferences): void {
    this.say(words);
    if (preferences.sound) this.#ring(alert.severity);
    if (preferences.flash && document.hidden) this.#flash(words);
  }

  /** Browsers allow sound only once somebody has touched the page: called when it is switched on. */
  test(): void {
    this.#ring('II');
  }

  #ring(severity: string): void {
    try {
      this.#audio ??= new AudioContext();
      const audio = this.#audio;
      void audio.resume();
      (TONES[severity] ?? [590]).forEach((frequency, index) => {
        const start = audio.currentTime + index * 0.22;
        const tone = audio.createOscillator();
        const volume = audio.createGain();
        tone.frequency.value = frequency;
        volume.gain.setValueAtTime(0.0001, start);
        volume.gain.exponentialRampToValueAtTime(0.2, start + 0.02);
        volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.2);
        tone.connect(volume).connect(audio.destination);
        tone.start(start);
        tone.stop(start + 0.21);
      });
    } catch {
      // No sound device: the list shows it all the same.
    }
  }

  #flash(words: string): void {
    window.clearInterval(this.#flashing);
    let on = false;
    this.#flashing = window.setInterval(() => {
      on = !on;
      document.title = on ? `● ${words}` : this.#title;
    }, FLASHES_MS);
  }

  #calm(): void {
    if (this.#flashing === 0) return;
    window.clearInterval(this.#flashing);
    this.#flashing = 0;
    document.title = this.#title;
  }

  retitle(title: string): void {
    this.#title = title;
    if (this.#flashing === 0) document.title = title;
  }
}
