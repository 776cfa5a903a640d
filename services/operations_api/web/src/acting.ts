// An operator's action from the click to what became of it. Pure.
//
// Nothing is shown as done before the API has said so: until then it is shown as being sent.

import type { ActionBody, AlertRow, Problem } from './contract.ts';

export type Progress =
  | { step: 'sending'; body: ActionBody; key: string }
  | { step: 'overtaken'; body: ActionBody; alert: AlertRow }
  | { step: 'failed'; body: ActionBody; key: string; problem: Problem | null } // null: no answer came
  | { step: 'done'; body: ActionBody };

export interface Answer {
  status: number; // 0: no answer came
  alert: AlertRow | null;
  problem: Problem | null;
}

export function afterAnswer(sent: { body: ActionBody; key: string }, answer: Answer): Progress {
  if (answer.status >= 200 && answer.status < 300) return { step: 'done', body: sent.body };
  if (answer.status === 409 && answer.alert !== null) {
    return { step: 'overtaken', body: sent.body, alert: answer.alert };
  }
  return { step: 'failed', body: sent.body, key: sent.key, problem: answer.status === 0 ? null : answer.problem };
}

/** Whether doing it again is the same action: what may have arrived is repeated under its own key, counted once. */
export function mayRepeat(progress: Progress): progress is Extract<Progress, { step: 'failed' }> {
  return progress.step === 'failed' && (progress.problem === null || progress.problem.status >= 500 || progress.problem.status === 429);
}

/** The body of an action on an alert as the operator saw it. */
export function bodyOf(kind: ActionBody['kind'], seen: number, more: { assignee?: string; words?: string } = {}): ActionBody {
  const exclusive = kind !== 'comment';
  return { kind, ...(exclusive ? { seen } : {}), ...more };
}

/** 128 bits in hexadecimal digits; `crypto.randomUUID` is missing where the page is served without TLS. */
export function newKey(random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array = (bytes) => crypto.getRandomValues(bytes)): string {
  return [...random(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
