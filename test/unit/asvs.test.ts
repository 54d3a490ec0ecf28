// docs/asvs.md answers every requirement of levels 1 and 2, and what it points to is there.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

/** How many requirements of levels 1 and 2 each section has (OWASP ASVS 5.0.0; V5, V9, V10 and V17 left out). */
const SECTIONS: Readonly<Record<string, number>> = Object.fromEntries(
  (
    '1.1 2;1.2 9;1.3 11;1.4 3;1.5 2;2.1 3;2.2 3;2.3 4;2.4 1;3.2 2;3.3 4;3.4 6;3.5 5;3.7 2;4.1 3;4.2 1;4.3 2;4.4 4;' +
    '6.1 3;6.2 12;6.3 4;6.4 4;6.5 5;6.6 3;6.8 4;7.1 3;7.2 4;7.3 2;7.4 5;7.5 2;7.6 2;8.1 2;8.2 3;8.3 1;8.4 1;' +
    '11.1 2;11.2 3;11.3 3;11.4 4;11.5 1;11.6 1;12.1 3;12.2 2;12.3 4;13.1 1;13.2 5;13.3 2;13.4 5;14.1 2;14.2 4;14.3 3;' +
    '15.1 3;15.2 3;15.3 7;16.1 1;16.2 5;16.3 4;16.4 3;16.5 3'
  )
    .split(';')
    .map((entry) => entry.split(' '))
    .map(([section = '', count]) => [section, Number(count)]),
);

const text = readFileSync('docs/asvs.md', 'utf8');
const ROW = /^\| (\d+\.\d+\.\d+) \| (\w+) \| (.+?) \| (.*?) ?\|$/gm;
const rows = [...text.matchAll(ROW)].map(([, id = '', kind = '', how = '', where = '']) => ({ id, kind, how, where }));

describe('the table of requirements', () => {
  test('names each once', () => {
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
    expect(rows.length).toBe(text.split('\n').filter((line) => /^\| \d/.test(line)).length);
  });

  // Requirements are numbered through in their section, and those of level 3 stand among the others.
  test.each(Object.entries(SECTIONS))('has all of section %s', (section, count) => {
    const named = rows.filter(({ id }) => id.startsWith(`${section}.`));
    expect(named.length).toBeGreaterThanOrEqual(count);
  });

  test.each(rows)('$id is met, a duty, or does not apply', ({ kind, how, where }) => {
    expect(how).not.toBe('');
    const file = /^`(.+)`$/.exec(where)?.[1];
    const link = /^\[.+\]\((.+\.md)(?:#.+)?\)$/.exec(where)?.[1];
    if (kind === 'none') return expect(where).toBe('');
    expect(['met', 'duty']).toContain(kind);
    if (kind === 'duty') expect(link).toBeDefined();
    expect(existsSync(file ?? `docs/${link}`)).toBe(true);
  });
});
