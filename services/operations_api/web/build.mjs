// Bundles the page: node build.mjs OUT. The same sources give the same bytes.
import { readdir, readFile, writeFile, copyFile, mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { build } from 'esbuild';

const out = process.argv[2];
if (out === undefined) throw new Error('usage: node build.mjs OUT');
const resolve = createRequire(import.meta.url).resolve;
const maplibre = dirname(resolve('maplibre-gl/package.json'));

await mkdir(out, { recursive: true });
await build({
  entryPoints: {
    app: 'src/main.ts',
    style: 'src/style.css',
    // MapLibre's worker, a file of its own: a policy without blob: lets it run.
    'map-worker': join(maplibre, 'src/source/worker.ts'),
  },
  // From MapLibre's published sources, not its bundles: what page and worker share is one chunk, a third less in all.
  alias: { 'maplibre-gl': join(maplibre, 'src/index.ts') },
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } }, // as MapLibre compiles itself: its arrays declare fields anew
  outdir: out,
  bundle: true,
  splitting: true,
  format: 'esm',
  target: ['chrome109', 'firefox115', 'safari16.4'],
  minify: true,
  charset: 'utf8',
  legalComments: 'none', // they stand in licenses.txt
  chunkNames: 'chunk-[hash]',
  logLevel: 'warning',
});
for (const name of ['index.html', 'icon.svg']) await copyFile(join('src', name), join(out, name));
await writeFile(join(out, 'licenses.txt'), await licenses());

/** The licence of each package whose code is in the bundle. */
async function licenses() {
  const lock = JSON.parse(await readFile('package-lock.json', 'utf8'));
  const shipped = Object.entries(lock.packages).filter(([path, entry]) => path !== '' && !entry.dev && !path.includes('@types/'));
  const parts = [];
  for (const [path, entry] of shipped) {
    const name = (await readdir(path)).find((each) => /^licen[cs]e/i.test(each));
    const text = name === undefined ? `${entry.license ?? ''} (no licence file in the package)` : await readFile(join(path, name), 'utf8');
    parts.push(`${path.replace(/^.*node_modules\//, '')} ${entry.version}\n\n${text.trim()}\n`);
  }
  return parts.join(`\n${'-'.repeat(72)}\n\n`);
}
