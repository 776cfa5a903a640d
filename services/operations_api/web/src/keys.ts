// Keys for who works without a mouse. Single letters do nothing while somebody writes.

import type { App } from './app.ts';
import { neighbour } from './views/alert_list.ts';

export function steer(app: App): void {
  document.addEventListener('keydown', (event) => key(app, event), { signal: app.signal });
}

function key(app: App, event: KeyboardEvent): void {
  const { store, controller } = app;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const writing = event.target instanceof HTMLElement && event.target.closest('input, textarea, select') !== null;
  if (event.key === 'Escape' && !writing) {
    if (store.selected !== null) controller.select(null);
    else if (store.openAlert !== null) controller.openAlert(null);
    return;
  }
  if (writing || !store.preferences.keys) return;
  switch (event.key.toLowerCase()) {
    case '/':
      event.preventDefault();
      document.getElementById('alert-search')?.focus();
      break;
    case 'j':
      step(app, 1);
      break;
    case 'k':
      step(app, -1);
      break;
    case 'a': {
      const row = store.openAlert === null ? undefined : store.alerts.get(store.openAlert);
      if (row !== undefined && row.standing === 'open' && store.mayAct) void controller.act(row, 'acknowledge');
      break;
    }
    default:
  }
}

function step(app: App, by: 1 | -1): void {
  const list = document.getElementById('alert-list');
  if (list === null) return;
  const next = neighbour(list, app.store.openAlert, by);
  if (next === null) return;
  app.controller.openAlert(next);
  const row = app.store.shownAlerts().get(next);
  if (row !== undefined && row.longitude !== null && row.latitude !== null) app.show(row.longitude, row.latitude);
  const card = list.querySelector<HTMLElement>(`[data-alert="${next}"]`);
  card?.querySelector('button')?.focus();
  card?.scrollIntoView({ block: 'nearest' });
}
