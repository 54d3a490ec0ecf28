// The detail of an event as a table: what is nested, or JSON in a text, in rows of its own.
import type { SealedEvent } from '../../../core/audit/canonical-event.ts';
import type { DetailRow } from '../../view/console-views.ts';
import { codeWords } from '../words/reasons.ts';

const DEEPEST = 4;
const MOST_ROWS = 200;

export function detailRows(detail: SealedEvent['detail']): DetailRow[] {
  return rowsOf([], detail, 0).slice(0, MOST_ROWS);
}

function rowsOf(path: readonly string[], value: unknown, depth: number): DetailRow[] {
  const inside = depth < DEEPEST ? partsOf(value) : null;
  if (inside === null) return [{ name: path.join(' › '), ...shownValue(value) }];
  return inside.flatMap(([name, part]) => rowsOf([...path, name], part, depth + 1));
}

/** The parts of an object, or of a text that holds one; null for a plain value or a list of them. */
function partsOf(value: unknown): [string, unknown][] | null {
  const read = typeof value === 'string' ? readJson(value) : value;
  if (!(read instanceof Object)) return null;
  const parts = Object.entries(read);
  return parts.length === 0 || (Array.isArray(read) && !read.some((part) => part instanceof Object)) ? null : parts;
}

function readJson(text: string): unknown {
  if (!/^[{[]/.test(text)) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function shownValue(value: unknown): Pick<DetailRow, 'value' | 'words'> {
  const list = typeof value === 'string' ? readJson(value) : value;
  const text = Array.isArray(list) ? list.map(String).join(', ') : asText(value);
  return { value: text, words: codeWords(text) };
}

function asText(value: unknown): string {
  return value instanceof Object ? JSON.stringify(value) : String(value);
}
