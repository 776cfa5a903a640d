import assert from 'node:assert/strict';
import { test } from 'node:test';

import { EventReader } from '../src/sse.ts';
import { pauseAfter } from '../src/stream.ts';

const TEXT = ': hello\n\nid: b-1\nevent: alert\ndata: {"a":\ndata: 1}\n\n: beat\n\nid: b-2\r\nevent: asset\r\ndata: {}\r\n\r\ndata: plain\n\n';
const WANTED = [
  { event: 'alert', data: '{"a":\n1}', id: 'b-1' },
  { event: 'asset', data: '{}', id: 'b-2' },
  { event: 'message', data: 'plain', id: 'b-2' },
];

test('events are the same however the text is cut', () => {
  for (let size = 1; size <= TEXT.length; size += 1) {
    const reader = new EventReader();
    const found = [];
    for (let at = 0; at < TEXT.length; at += size) found.push(...reader.feed(TEXT.slice(at, at + size)));
    assert.deepEqual(found, WANTED, `pieces of ${size}`);
    assert.equal(reader.lastId, 'b-2');
  }
});

test('an event that is not finished waits', () => {
  const reader = new EventReader();
  assert.deepEqual(reader.feed('event: alert\ndata: 1\n'), []);
  assert.deepEqual(reader.feed('\n'), [{ event: 'alert', data: '1', id: '' }]);
});

test('a named event without data is told, comments are not', () => {
  assert.deepEqual(new EventReader().feed('event: reset\n\n: beat\n\n'), [{ event: 'reset', data: '', id: '' }]);
});

test('pauses grow to ten seconds, spread by a quarter either way', () => {
  assert.equal(pauseAfter(0, 0.5), 500);
  assert.equal(pauseAfter(99, 0.5), 10_000);
  assert.equal(pauseAfter(99, 0), 7_500);
  assert.equal(pauseAfter(99, 1), 12_500);
});
