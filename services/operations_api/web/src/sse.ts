// Reads server-sent events from pieces of text as they arrive. Pure.
//
// Of its own and not EventSource: that one hides comments, so a dead connection cannot be told from a quiet one, and it
// hides the status of a refusal, so a session that has ended looks like a server that is away.

export interface ServerEvent {
  event: string;
  data: string;
  id: string;
}

export class EventReader {
  lastId = '';
  #rest = '';
  #event = '';
  #data: string[] = [];
  #skipLineFeed = false;

  /** The events that a piece of text completes; what it leaves unfinished waits for the next piece. */
  feed(text: string): ServerEvent[] {
    const found: ServerEvent[] = [];
    this.#rest += this.#skipLineFeed && text.startsWith('\n') ? text.slice(1) : text;
    if (text !== '') this.#skipLineFeed = text.endsWith('\r');
    let from = 0;
    for (const end of this.#rest.matchAll(/\r\n|\n|\r/g)) {
      const event = this.#line(this.#rest.slice(from, end.index));
      if (event !== undefined) found.push(event);
      from = end.index + end[0].length;
    }
    this.#rest = this.#rest.slice(from);
    return found;
  }

  #line(line: string): ServerEvent | undefined {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.#event = value;
    else if (name === 'data') this.#data.push(value);
    else if (name === 'id' && !value.includes('\0')) this.lastId = value;
    return undefined;
  }

  #dispatch(): ServerEvent | undefined {
    const event = { event: this.#event || 'message', data: this.#data.join('\n'), id: this.lastId };
    const empty = this.#data.length === 0;
    this.#event = '';
    this.#data = [];
    return empty && event.event === 'message' ? undefined : event;
  }
}
