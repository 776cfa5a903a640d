// Signing in: by the one-time link, which does it by itself, or by a key.

import type { Api } from '../api.ts';
import type { Me } from '../contract.ts';
import { h, setText } from '../dom.ts';
import type { Language } from '../formats.ts';
import { say } from '../words.ts';

export function login(language: Language, api: Api, message: string | null, done: (me: Me) => void): HTMLElement {
  const said = h('p', { class: 'said', attributes: { role: 'alert' } }, message);
  const key = h('input', {
    id: 'key',
    attributes: { type: 'password', name: 'key', autocomplete: 'current-password', required: true, spellcheck: 'false', 'aria-describedby': 'login-about' },
  });
  const button = h('button', { class: 'button primary', attributes: { type: 'submit' } }, say(language, 'sign_in'));
  const form = h(
    'form',
    {
      class: 'login',
      on: {
        submit: (event) => {
          event.preventDefault();
          void send();
        },
      },
    },
    h('h1', {}, say(language, 'title')),
    h('p', { id: 'login-about' }, say(language, 'sign_in_about')),
    h('label', { attributes: { for: 'key' } }, say(language, 'key')),
    key,
    button,
    said,
  );
  const send = async (): Promise<void> => {
    button.disabled = true;
    setText(said, say(language, 'signing_in'));
    const reply = await api.signIn(key.value.trim());
    button.disabled = false;
    if (reply.value !== null) return done(reply.value);
    setText(said, refusal(language, reply.status));
    key.select();
  };
  return h('main', { class: 'login-page' }, form);
}

export function refusal(language: Language, status: number): string {
  return say(language, status === 0 || status >= 500 ? 'no_answer' : 'refused');
}
