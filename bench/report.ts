// What a measurement says of itself, and where it is written down: between two marks in a page of docs/.
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { projectRoot } from '../src/core/platform/project-root.ts';

/** The machine and the programs that figures were measured with, in one line. */
export function circumstances(): string {
  const [cpu] = os.cpus();
  const model = cpu?.model.replace(/\s+/g, ' ').trim() || os.arch();
  const memory = Math.round(os.totalmem() / 2 ** 30);
  const date = new Date().toISOString().slice(0, 10);
  return `${date} · Node ${process.versions.node} · ${os.type()}, ${os.cpus().length} × ${model}, ${memory} GB`;
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Puts text between `<!-- name -->` and `<!-- /name -->` in a page; throws when the page has no such marks. */
export function writeInto(page: string, name: string, text: string): void {
  const file = path.join(projectRoot, page);
  const before = readFileSync(file, 'utf8');
  const marked = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`);
  if (!marked.test(before)) throw new Error(`${page} has no place for ${name}`);
  writeFileSync(
    file,
    before.replace(marked, (_, begin: string, end: string) => `${begin}${text}\n${end}`),
  );
}
