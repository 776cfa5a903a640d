// What AsyncAPI's own parser finds in a document. usage: node asyncapi.mjs FILE; prints its findings as JSON.
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], 'utf8'));
const findings = diagnostics.map(({ code, message, path, severity }) => ({ code, message, path: path.join('.'), severity }));
process.stdout.write(JSON.stringify({ parsed: document !== undefined, findings }));
