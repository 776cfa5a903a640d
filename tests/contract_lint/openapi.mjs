// What Spectral's rules for OpenAPI find in a document. usage: node openapi.mjs FILE; prints the findings as JSON.
import { readFileSync } from 'node:fs';
import spectral from '@stoplight/spectral-core';
import rulesets from '@stoplight/spectral-rulesets';

const linter = new spectral.Spectral();
linter.setRuleset({
  extends: [[rulesets.oas, 'recommended']],
  rules: {
    'array-items': 'off', // it does not know `prefixItems` of OpenAPI 3.1
    'info-contact': 'off', // who runs it is not in the code
    'oas3-api-servers': 'off', // served wherever it runs
  },
});
const found = await linter.run(JSON.parse(readFileSync(process.argv[2], 'utf8')));
const findings = found.map(({ code, message, path, severity }) => ({ code, message, path: path.join('.'), severity }));
process.stdout.write(JSON.stringify({ parsed: true, findings }));
