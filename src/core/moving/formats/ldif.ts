// LDIF (RFC 2849): what `slapcat` or `ldapsearch` writes of a directory.
import type { Found } from '../import-people.ts';
import { MOST_LINE_BYTES, readLines } from '../lines.ts';
import type { Problem } from '../problems.ts';
import { firstOf, groupNameOf } from './fields.ts';

type Attributes = ReadonlyMap<string, readonly string[]>;

interface Entry {
  readonly place: number;
  readonly attributes: Map<string, string[]>;
  problem: Problem | null;
}

export async function* readLdif(input: AsyncIterable<Buffer>): AsyncGenerator<readonly Found[]> {
  let entry: Entry | null = null;
  let logical = '';
  const end = (): void => {
    if (entry && logical !== '') addLine(entry, logical);
    logical = '';
  };
  for await (const lines of readLines(input)) {
    const found: Found[] = [];
    for (const line of lines) {
      const text = 'text' in line ? line.text : '';
      if ('problem' in line) {
        entry ??= { place: line.number, attributes: new Map(), problem: null };
        entry.problem ??= line.problem;
      } else if (text === '') {
        end();
        if (entry) found.push(...personOf(entry));
        entry = null;
      } else if (text.startsWith(' ')) {
        if (logical.length <= MOST_LINE_BYTES) logical += text.slice(1); // a photo
      } else {
        end();
        entry ??= { place: line.number, attributes: new Map(), problem: null };
        logical = text;
      }
    }
    yield found;
  }
  end();
  if (entry) yield personOf(entry);
}

/** `name: text`, `name:: base64`; what would be read from a file (`name:< url`) is not. */
function addLine(entry: Entry, line: string): void {
  if (line.startsWith('#')) return;
  const [, name, kind, value = ''] = /^([^:;]+)(?:;[^:]*)?:([:<]?) *(.*)$/s.exec(line) ?? [];
  const key = name?.toLowerCase() ?? '';
  if (name !== undefined && !WANTED.has(key)) return;
  if (name === undefined || kind === '<') {
    entry.problem ??= 'invalid_field';
    return;
  }
  if (line.length > MOST_LINE_BYTES) entry.problem ??= 'line_too_long';
  const text = kind === ':' ? Buffer.from(value, 'base64').toString('utf8') : value;
  const values = entry.attributes.get(key);
  if (values) values.push(text);
  else entry.attributes.set(key, [text]);
}

const WANTED = new Set([
  ...[
    'objectclass',
    'changetype',
    'entryuuid',
    'nsuniqueid',
    'uid',
    'dn',
    'mail',
    'displayname',
    'cn',
    'givenname',
    'sn',
  ],
  ...['preferredlanguage', 'createtimestamp', 'nsaccountlock', 'pwdaccountlockedtime', 'memberof', 'userpassword'],
]);
const PERSON = new Set([
  'person',
  'organizationalperson',
  'inetorgperson',
  'posixaccount',
  'account',
  'mailuser',
  'user',
]);

/** Nothing for groups, folders, and changes of what is there. */
function personOf({ place, attributes, problem }: Entry): readonly Found[] {
  if (problem !== null) return [{ place, problem }];
  const one = (...names: readonly string[]) => firstOf(...names.map((name) => attributes.get(name)?.[0]));
  const isPerson = (attributes.get('objectclass') ?? []).some((name) => PERSON.has(name.toLowerCase()));
  if (!isPerson || (one('changetype') ?? 'add') !== 'add') return [];
  const raw = {
    externalId: one('entryuuid', 'nsuniqueid', 'uid', 'dn'),
    email: one('mail'),
    name: one('displayname', 'cn'),
    given_name: one('givenname'),
    family_name: one('sn'),
    locale: one('preferredlanguage'),
    created_at: momentOf(one('createtimestamp')),
    blocked: isLocked(attributes),
    groups: (attributes.get('memberof') ?? []).map(groupOfDn),
    password_scheme: 'ldap',
    password_hash: one('userpassword'),
  };
  return [{ place, raw }];
}

function isLocked(attributes: Attributes): boolean {
  const locked = attributes.get('nsaccountlock')?.[0]?.toLowerCase() === 'true';
  return locked || attributes.has('pwdaccountlockedtime');
}

/** `20240131120000Z` */
function momentOf(value: unknown): unknown {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(?:\.\d+)?Z$/.exec(String(value)) ?? [];
  return year === undefined ? value : `${year}-${month}-${day}T${hour}:${minute}:${second ?? '00'}Z`;
}

/** `cn=Staff,ou=groups,dc=example` is Staff. */
function groupOfDn(dn: string): unknown {
  const [, name] = /^[^=]+=((?:\\.|[^,\\])+)/.exec(dn) ?? [];
  return groupNameOf(name?.replace(/\\(.)/g, '$1') ?? dn);
}
