// What operators read instead of codes: every type of event and every template of mail has words of its own, outcomes have one
// set, and a detail is a table.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { AUDIT_EVENTS } from '../../src/core/audit/events.ts';
import { isKnownTemplate } from '../../src/core/mail/rendering.ts';
import { english } from '../../src/core/mail/texts/en.ts';
import { projectRoot } from '../../src/core/platform/project-root.ts';
import { END_REASONS } from '../../src/core/sessions/session-record.ts';
import { detailRows } from '../../src/web/console/log/detail-rows.ts';
import { filterTitle, titleOf } from '../../src/web/console/words/event-titles.ts';
import { mailTitle } from '../../src/web/console/words/mail-titles.ts';
import { codeWords, endingWords, refusalWords } from '../../src/web/console/words/reasons.ts';

const TYPES = Object.values(AUDIT_EVENTS).flatMap((events) => Object.keys(events));

test.each([
  ['event', TYPES, titleOf],
  ['mail', Object.keys(english).filter(isKnownTemplate), mailTitle],
] as const)('every kind of %s has words of its own', (_, codes, words) => {
  const titles = codes.map((code) => words(code));
  expect(new Set(titles).size).toBe(codes.length);
  for (const title of titles) expect(title).toMatch(/^[A-Z][A-Za-z -]{4,35}$/);
  expect(words('of-another-version')).toBe('of-another-version');
  expect(words('constructor')).toBe('constructor');
});

test('a filter by a group says the group', () => {
  expect(filterTitle('sessions')).toBe('all of Sessions');
  expect(filterTitle('authn_login_fail')).toBe('Log-in refused');
});

test('every end of a session, and every reason, is said in words', () => {
  for (const reason of END_REASONS) expect(endingWords(reason)).not.toContain('_');
  expect(endingWords('of_another_version')).toBe('of another version');
  expect(refusalWords('wrong_password')).toBe('wrong password');
  expect(refusalWords('constructor')).toBe('constructor');
  expect(['revoked_by_operator', 'expired', 'left the company', '7', 'x'].map(codeWords)).toEqual([
    'an operator ended it',
    'it was idle too long, or reached its longest life',
    null,
    null,
    null,
  ]);
});

test('a detail is a table, also what is nested or JSON in a text', () => {
  expect(
    detailRows({
      reason: 'wrong_password',
      attempts: 5,
      filter: '{"types":["authn_login_fail","authz_fail"],"from":null,"deep":{"a":[{"b":1}]}}',
      list: ['x', 'y'],
      odd: '{not json',
      empty: {},
    } as never),
  ).toEqual([
    { name: 'reason', value: 'wrong_password', words: 'wrong password' },
    { name: 'attempts', value: '5', words: null },
    { name: 'filter › types', value: 'authn_login_fail, authz_fail', words: null },
    { name: 'filter › from', value: 'null', words: null },
    { name: 'filter › deep › a › 0', value: '{"b":1}', words: null },
    { name: 'list', value: 'x, y', words: null },
    { name: 'odd', value: '{not json', words: null },
    { name: 'empty', value: '{}', words: null },
  ]);
  expect(detailRows({ many: Array.from({ length: 5_000 }, (_, at) => ({ at })) } as never)).toHaveLength(200);
});

test('outcomes have one set of words in the console', () => {
  const views = ['audit', 'attempts', 'event', 'user', 'blocks'].map((name) =>
    readFileSync(path.join(projectRoot, 'views', 'operator', `${name}.ejs`), 'utf8'),
  );
  for (const view of views) expect(view).not.toMatch(/succeeded|>\s*failed/i);
});
