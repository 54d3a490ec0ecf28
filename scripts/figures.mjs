// Prints how long the files and functions of src/ and worker/ are, texts and views aside, how many lines are comments, and
// which rooms hold more than twelve files beside inner rooms. Figures to look at; nothing fails by them.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from '@swc/core';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const ASIDE = /^src\/generated\/|\/texts\/|\/view\/[^/]*views\.ts$/;
const ROOM = 12;

const below = (folder) =>
  readdirSync(path.join(root, folder), { recursive: true })
    .map((name) => path.posix.join(folder, name))
    .filter((name) => name.endsWith('.ts'));

const all = [...below('src'), ...below('worker')];
const files = all
  .filter((name) => !ASIDE.test(name))
  .map((name) => ({ name, text: readFileSync(path.join(root, name), 'utf8') }));
const lengths = files.map(({ name, text }) => ({ name, lines: text.split('\n').length - 1 }));
const functions = files.flatMap(functionsOf);
const comments = files.flatMap(({ text }) => text.split('\n')).filter((line) => /^\s*(\/\/|\/\*|\*)/.test(line));

say('files', lengths);
say('functions', functions);
console.log(`comments: ${comments.length} of ${lengths.reduce((sum, { lines }) => sum + lines, 0)} lines`);
for (const [room, count] of rooms()) console.log(`${room} holds ${count} files`);

/** Functions with a block for a body, of any kind, with where they begin. */
function functionsOf({ name, text }) {
  // The semicolon lets the module's span begin where the text does, comments included.
  const source = Buffer.from(`;${text}`);
  const module = parseSync(source.toString(), { syntax: 'typescript', target: 'es2023' });
  const line = (position) =>
    source
      .subarray(0, position - module.span.start)
      .toString()
      .split('\n').length;
  const found = [];
  visit(module, (node) => {
    if (node.body?.type !== 'FunctionBody') return;
    const { start, end } = node.span ?? node.body.span;
    found.push({ name: `${name}:${line(start)}`, lines: line(end) - line(start) + 1 });
  });
  return found;
}

function visit(node, look) {
  if (node === null || typeof node !== 'object') return;
  look(node);
  for (const inner of Object.values(node)) visit(inner, look);
}

function rooms() {
  const counts = new Map();
  for (const name of all) {
    if (!ASIDE.test(name)) counts.set(path.dirname(name), (counts.get(path.dirname(name)) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count > ROOM);
}

function say(what, measured) {
  const sorted = measured.toSorted((a, b) => a.lines - b.lines);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].lines;
  const longest = sorted.slice(-5).reverse();
  console.log(`${what}: ${sorted.length}; lines: median ${at(0.5)}, 90th percentile ${at(0.9)}, longest ${at(1)}`);
  for (const { name, lines } of longest) console.log(`  ${lines}  ${name}`);
}
