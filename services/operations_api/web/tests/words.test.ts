import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { say, sayValue, WORDS } from '../src/words.ts';

const SOURCE = join(import.meta.dirname, '../src');

async function sources(): Promise<[string, string][]> {
  const names = (await readdir(SOURCE, { recursive: true })).filter((name) => name.endsWith('.ts'));
  return Promise.all(names.map(async (name): Promise<[string, string]> => [name, await readFile(join(SOURCE, name), 'utf8')]));
}

test('every text stands in both languages and names the same values', () => {
  const names = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? '').sort();
  for (const [word, [zh, en]] of Object.entries(WORDS)) {
    assert.ok(zh.trim() !== '' && en.trim() !== '', word);
    assert.doesNotMatch(en, /[\u4e00-\u9fff]/, word);
    assert.deepEqual(names(zh), names(en), word);
  }
});

test('every word is used, or is the word of a value', async () => {
  const text = (await sources()).filter(([name]) => name !== 'words.ts').map(([, each]) => each).join('\n');
  const groups = ['role', 'standing', 'suppressed', 'said', 'did', 'kind', 'layer', 'state', 'word', 'field', 'unit'];
  const unused = Object.keys(WORDS).filter((word) => !text.includes(`'${word}'`) && !groups.some((group) => word.startsWith(`${group}_`)));
  assert.deepEqual(unused, []);
});

test('no text hides outside the tables', async () => {
  const allowed = new Set(['words.ts', 'states.generated.ts', 'formats.ts']);
  for (const [name, text] of await sources()) {
    if (allowed.has(name)) continue;
    const code = text.replace(/\/\/.*$/gm, '').replaceAll("'中文'", ''); // a language is named in itself
    assert.doesNotMatch(code, /[\u4e00-\u9fff]/, name);
  }
});

test('nothing turns data into markup or code', async () => {
  const forbidden = /\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|srcdoc|setHTML)/;
  for (const [name, text] of await sources()) assert.doesNotMatch(text, forbidden, name);
});

test('values are filled in, a value without a word is shown as it is', () => {
  assert.equal(say('en', 'state_since', { time: '12:00' }), 'since 12:00');
  assert.equal(sayValue('zh', 'kind', 'lake'), '湖泊');
  assert.equal(sayValue('zh', 'kind', 'tower'), 'tower');
  assert.equal(sayValue('en', 'kind', '__proto__'), '__proto__');
});
