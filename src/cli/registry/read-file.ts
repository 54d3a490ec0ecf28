// Reads a file of groups and applications: what it wants, or a line for each thing that is wrong with it.
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml';
import type { z } from 'zod';
import type { Place, RegistryProblem, WantedRegistry } from '../../core/applications/registry/wanted.ts';
import { ProblemList } from '../terminal/errors.ts';
import { APPLICATION_KEYS, fileShape } from './file-shape.ts';

export interface RegistryFile {
  readonly wanted: WantedRegistry;
  /** A problem with its line: `registry.yaml:12: …`. */
  readonly located: (problem: RegistryProblem) => string;
}

/** @throws ProblemList */
export function readRegistryFile(name: string, text: string): RegistryFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (line: number, says: string) => `${name}:${line}: ${says}`;
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ pos: [offset], message }) => at(lines.linePos(offset).line, message));
    throw new ProblemList(problems.join('\n'));
  }
  const located = ({ place, says }: RegistryProblem) => at(lines.linePos(offsetOf(document, place)).line, says);
  const read = fileShape.safeParse(plainOf(document, name));
  if (!read.success) throw new ProblemList(read.error.issues.flatMap(problemsOf).map(located).join('\n'));
  return { wanted: read.data, located };
}

/** An alias that leads to many others would grow without end. */
function plainOf(document: Document, name: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new ProblemList(`${name}:1: ${(error as Error).message}`);
  }
}

function problemsOf(issue: z.core.$ZodIssue): RegistryProblem[] {
  const place = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ place: [...place, key], says: unknownKey(key, place) }));
  const last = place.at(-1);
  const what = typeof last === 'string' ? last : last === undefined ? 'The file' : 'This';
  return [{ place, says: `${what} ${issue.message}.` }];
}

function unknownKey(key: string, place: Place): string {
  const known = place[0] === 'applications' ? APPLICATION_KEYS : ['groups', 'applications'];
  return `There is no ${key} here; these are: ${known.join(', ')}.`;
}

/** Where a place stands in the text; of what is missing, where it would stand. */
function offsetOf(document: Document, place: Place): number {
  let node: Node | null = document.contents as Node | null;
  let offset = node?.range?.[0] ?? 0;
  for (const part of place) {
    const next = step(isAlias(node) ? resolved(node, document) : node, part);
    if (next === null) break;
    offset = next.offset ?? offset;
    node = next.node;
  }
  return offset;
}

function resolved(alias: Alias, document: Document): Node | null {
  return alias.resolve(document) ?? null;
}

function step(
  node: Node | null,
  part: string | number,
): { readonly node: Node | null; readonly offset?: number } | null {
  if (isSeq(node)) {
    const item = node.items[Number(part)] as Node | undefined;
    return item ? { node: item, ...(item.range ? { offset: item.range[0] } : {}) } : null;
  }
  if (!isMap(node)) return null;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
  if (!pair) return null;
  const key = pair.key as Node;
  return { node: pair.value as Node | null, ...(key.range ? { offset: key.range[0] } : {}) };
}
