// The neutral file: a person a line, as JSON.

import type { Found } from '../import-people.ts';
import { readLines } from '../lines.ts';

export async function* readNdjson(input: AsyncIterable<Buffer>): AsyncGenerator<readonly Found[]> {
  for await (const lines of readLines(input)) {
    const found: Found[] = [];
    for (const line of lines) {
      if ('problem' in line) found.push({ place: line.number, problem: line.problem });
      else if (line.text.trim() !== '') found.push(parsed(line.number, line.text));
    }
    yield found;
  }
}

function parsed(place: number, text: string): Found {
  try {
    return { place, raw: JSON.parse(text) as unknown };
  } catch {
    return { place, problem: 'invalid_json' };
  }
}
