// What can be done about an alert. A form stays as it is while the alert changes: nobody loses what they are writing.

import type { Progress } from '../acting.ts';
import { isOver } from '../alert_book.ts';
import type { App } from '../app.ts';
import type { AlertRow } from '../contract.ts';
import { h, replaceChildren, setText } from '../dom.ts';
import { silenceForm } from './silence_form.ts';

type Form = 'assign' | 'comment' | 'close' | 'silence';

export class ActionBar {
  readonly element: HTMLElement;
  #app: App;
  #row: AlertRow;
  #buttons = new Map<Form | 'acknowledge', HTMLButtonElement>();
  #form = h('div', { class: 'form-place' });
  #shown: Form | null = null;
  #note = h('p', { class: 'quiet' });

  constructor(app: App, row: AlertRow) {
    this.#app = app;
    this.#row = row;
    const words = { acknowledge: 'acknowledge', assign: 'assign', comment: 'comment', silence: 'silence', close: 'close_alert' } as const;
    for (const [name, word] of Object.entries(words) as [Form | 'acknowledge', (typeof words)[keyof typeof words]][]) {
      const button = h(
        'button',
        {
          class: name === 'acknowledge' ? 'button primary' : 'button',
          attributes: { type: 'button', 'data-action': name },
          on: { click: () => (name === 'acknowledge' ? void app.controller.act(this.#row, 'acknowledge') : this.#toggle(name)) },
        },
        app.t(word),
      );
      this.#buttons.set(name, button);
    }
    this.element = h('div', { class: 'actions' }, h('div', { class: 'buttons' }, ...this.#buttons.values()), this.#note, this.#form);
  }

  update(row: AlertRow, progress: Progress | undefined): void {
    this.#row = row;
    const { store, t } = this.#app;
    const may = store.mayAct;
    const busy = progress?.step === 'sending';
    const over = isOver(row);
    for (const [name, button] of this.#buttons) {
      button.hidden = !may || (over && name !== 'comment');
      button.disabled = busy || (name === 'acknowledge' && row.standing !== 'open');
    }
    this.#note.hidden = may;
    setText(this.#note, store.moment === null ? t('not_allowed') : t('read_only_past'));
    if (!may && this.#shown !== null) this.#toggle(this.#shown);
  }

  #toggle(form: Form): void {
    const open = this.#shown !== form;
    this.#shown = open ? form : null;
    for (const [name, button] of this.#buttons) if (name !== 'acknowledge') button.setAttribute('aria-expanded', String(name === this.#shown));
    replaceChildren(this.#form, open ? this.#made(form) : null);
    this.#form.querySelector<HTMLElement>('input:not([type=radio]), textarea, select')?.focus();
  }

  #close(): void {
    const form = this.#shown;
    if (form === null) return;
    this.#toggle(form);
    this.#buttons.get(form)?.focus();
  }

  #made(form: Form): HTMLElement {
    const { t, controller, store } = this.#app;
    switch (form) {
      case 'assign':
        return wordForm(this.#app, t('assignee'), 'input', '', (assignee) => controller.act(this.#row, 'assign', { assignee }), () => this.#close(), [[t('to_me'), store.me?.name ?? '']]);
      case 'comment':
        return wordForm(this.#app, t('comment_words'), 'textarea', '', (words) => controller.act(this.#row, 'comment', { words }), () => this.#close());
      case 'close':
        return wordForm(this.#app, t('close_words'), 'textarea', '', (words) => controller.act(this.#row, 'close', { words }), () => this.#close());
      case 'silence':
        return silenceForm(this.#app, this.#row, () => this.#close());
    }
  }
}

let numbers = 0;

/** One field and a button to send it; closes once it has been done, keeps the text when it has not. */
function wordForm(app: App, label: string, kind: 'input' | 'textarea', value: string, send: (words: string) => Promise<boolean>, done: () => void, offers: readonly (readonly [string, string])[] = []): HTMLElement {
  numbers += 1;
  const id = `words-${numbers}`;
  const field = h(kind, { id, attributes: { required: true, maxlength: kind === 'input' ? 200 : 2_000, ...(kind === 'textarea' ? { rows: 3 } : { type: 'text' }) } });
  field.value = value;
  const offered = offers.map(([words, text]) =>
    h('button', { class: 'button small', attributes: { type: 'button' }, on: { click: () => void send(text).then((sent) => sent && done()) } }, words),
  );
  const complaint = h('p', { class: 'complaint', attributes: { role: 'alert' } });
  return h(
    'form',
    {
      class: 'small-form',
      attributes: { novalidate: true },
      on: {
        submit: (event) => {
          event.preventDefault();
          const words = field.value.trim();
          setText(complaint, words === '' ? app.t('needs_words') : '');
          if (words !== '') void send(words).then((sent) => sent && done());
        },
        keydown: (event) => {
          if (event.key !== 'Escape') return;
          event.stopPropagation();
          done();
        },
      },
    },
    h('label', { attributes: { for: id } }, label),
    field,
    complaint,
    h('div', { class: 'buttons' }, h('button', { class: 'button primary', attributes: { type: 'submit' } }, app.t('send')), ...offered, h('button', { class: 'button', attributes: { type: 'button' }, on: { click: done } }, app.t('cancel'))),
  );
}
