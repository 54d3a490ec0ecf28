// URLs of PostgreSQL: every part is honoured or refused with a sentence, and none is dropped.
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readDatabaseUrl } from '../../src/core/platform/postgres/database-url.ts';
import { asRole } from '../../src/launcher/secrets.ts';

const DB = { database: 'holdfast' };
const SOCKET = { ...DB, host: '/var/run/postgresql' };
const AUTHORITY = path.join(tmpdir(), `holdfast-authority-${process.pid}.pem`);
writeFileSync(AUTHORITY, 'a certificate');

describe('what is honoured', () => {
  test.each([
    ['postgresql://db/holdfast', { ...DB, host: 'db' }],
    ['postgres://db.example.org:6432/holdfast', { ...DB, host: 'db.example.org', port: 6432 }],
    ['postgresql://web:secret@db/holdfast', { ...DB, host: 'db', user: 'web', password: 'secret' }],
    ['postgresql:///holdfast', DB],
    ['postgresql://web@/holdfast?host=/var/run/postgresql', { ...SOCKET, user: 'web' }],
    ['postgresql:///holdfast?host=/var/run/postgresql&user=owner', { ...SOCKET, user: 'owner' }],
    ['postgresql://%2Fvar%2Frun%2Fpostgresql/holdfast', SOCKET],
    [
      'postgresql:///?dbname=holdfast&host=db&port=5433&user=web&password=a+b',
      { ...DB, host: 'db', port: 5433, user: 'web', password: 'a+b' },
    ],
    [
      'postgresql://we%40b:p%2F%3A%23%25@db/hold%2Ffast',
      { host: 'db', user: 'we@b', password: 'p/:#%', database: 'hold/fast' },
    ],
    ['postgresql://web:p@ss@db/holdfast', { ...DB, host: 'db', user: 'web', password: 'p@ss' }],
    ['postgresql://web@[2001:db8::7]:5433/holdfast', { ...DB, host: '2001:db8::7', port: 5433, user: 'web' }],
    ['postgresql://db/holdfast?schema=public', { ...DB, host: 'db' }],
    [
      'postgresql://db/holdfast?application_name=login&options=-c geqo=off',
      { ...DB, host: 'db', application_name: 'login', options: '-c geqo=off' },
    ],
    ['postgresql://db/holdfast?sslmode=disable', { ...DB, host: 'db', ssl: false }],
    ['postgresql://db/holdfast?sslmode=require', { ...DB, host: 'db', ssl: {} }],
    ['postgresql://db/holdfast?sslmode=no-verify', { ...DB, host: 'db', ssl: { rejectUnauthorized: false } }],
    ['postgresql://db/holdfast?ssl=true', { ...DB, host: 'db', ssl: {} }],
    ['postgresql:///holdfast?host=/var/run/postgresql&sslmode=require', { ...SOCKET, ssl: false }],
    [
      `postgresql://db/holdfast?sslmode=verify-full&sslrootcert=${AUTHORITY}`,
      { ...DB, host: 'db', ssl: { ca: 'a certificate' } },
    ],
    ['postgresql://db/holdfast?sslrootcert=system', { ...DB, host: 'db', ssl: {} }],
    ['postgresql://db/holdfast?sslnegotiation=direct', { ...DB, host: 'db', ssl: {}, sslnegotiation: 'direct' }],
  ])('%s', (text, connection) => {
    expect(readDatabaseUrl(text)).toEqual({ connections: [connection], problems: [] });
  });
});

describe('several hosts', () => {
  test.each([
    ['postgresql://a,b/holdfast', [{ host: 'a' }, { host: 'b' }]],
    [
      'postgresql://a:5432,b:5433/holdfast?target_session_attrs=read-write',
      [
        { host: 'a', port: 5432 },
        { host: 'b', port: 5433 },
      ],
    ],
    ['postgresql://a,b:5433/holdfast?target_session_attrs=primary', [{ host: 'a' }, { host: 'b', port: 5433 }]],
    ['postgresql://[::1]:5433,[2001:db8::7]/holdfast', [{ host: '::1', port: 5433 }, { host: '2001:db8::7' }]],
    [
      'postgresql:///holdfast?host=a,b&port=6432',
      [
        { host: 'a', port: 6432 },
        { host: 'b', port: 6432 },
      ],
    ],
    [
      'postgresql:///holdfast?host=a,b&port=1,2',
      [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
    ],
  ])('%s', (text, hosts) => {
    expect(readDatabaseUrl(text)).toEqual({ connections: hosts.map((host) => ({ ...DB, ...host })), problems: [] });
  });

  test('all have the same role, password and encryption', () => {
    const { connections } = readDatabaseUrl('postgresql://web:s%2C@a,b/holdfast?sslmode=require');
    const shared = { ...DB, user: 'web', password: 's,', ssl: {} };
    expect(connections).toEqual([
      { ...shared, host: 'a' },
      { ...shared, host: 'b' },
    ]);
  });

  test('stay several in the URLs that npm run up makes', () => {
    expect(readDatabaseUrl(asRole('postgres://o:x@a:1,b:2/holdfast', 'web', 'p')).connections).toEqual([
      { ...DB, host: 'a', port: 1, user: 'web', password: 'p' },
      { ...DB, host: 'b', port: 2, user: 'web', password: 'p' },
    ]);
  });
});

describe('what is refused, with a sentence without the value', () => {
  test.each([
    ['mysql://db/holdfast', 'expected a URL that starts with postgresql://'],
    ['db/holdfast', 'expected a URL that starts with postgresql://'],
    ['postgresql://db', 'it names no database'],
    ['postgresql://db/', 'it names no database'],
    ['postgresql://web:a#b@db/holdfast', 'no fragment (#…) is used; write # as %23'],
    ['postgresql://web:50%@db/holdfast', 'password has a % that is no percent-encoding'],
    ['postgresql://a,,b/holdfast', 'of several hosts each has a name or an address'],
    ['postgresql://a,b,/holdfast', 'of several hosts each has a name or an address'],
    ['postgresql:///holdfast?host=a,/var/run/postgresql', 'none is the folder of a socket'],
    ['postgresql://a:5432,b:70000/holdfast', 'the port is 1 to 65535'],
    ['postgresql:///holdfast?host=a,b,c&port=1,2', 'there are not as many ports as hosts'],
    ['postgresql://a,b/holdfast?target_session_attrs=any', 'target_session_attrs is read-write or primary'],
    ['postgresql://db:5432x/holdfast', 'expected host:port'],
    ['postgresql://2001:db8::7/holdfast', 'an IPv6 address stands in [ ]'],
    ['postgresql://db:70000/holdfast', 'the port is 1 to 65535'],
    ['postgresql://db/holdfast?port=0', 'the port is 1 to 65535'],
    ['postgresql://db/holdfast?host=other', 'host is given twice'],
    ['postgresql://db/holdfast?dbname=other', 'dbname is given twice'],
    [
      'postgresql://db/holdfast?schema=auth',
      "the parameter schema is not supported: Holdfast's tables are in the schema public",
    ],
    ['postgresql://db/holdfast?options=-c search_path=auth', 'search_path in options is not supported'],
    ['postgresql://db/holdfast?options=--search-path%3Dauth', 'search_path in options is not supported'],
    ['postgresql://db/holdfast?options=-cTimezone%3DAsia/Kolkata', 'TimeZone in options is not supported'],
    ['postgresql://db/holdfast?options=-c%20statement_timeout%3D0', 'statement_timeout in options is not supported'],
    ['postgresql://db/holdfast?sslmode=prefer', 'sslmode is one of disable, require'],
    ['postgresql://db/holdfast?ssl=yes', 'ssl is true or false'],
    ['postgresql://db/holdfast?ssl=true&sslmode=disable', 'ssl and sslmode are both given'],
    ['postgresql://db/holdfast?sslmode=disable&sslrootcert=system', 'certificates need an encrypted connection'],
    ['postgresql://db/holdfast?sslrootcert=/nowhere', "the file of sslrootcert can't be read"],
    ['postgresql://db/holdfast?connect_timeout=3', 'the parameter connect_timeout is not supported; these are: user'],
    ['postgresql://db/holdfast?connection_limit=5', 'the parameter connection_limit is not supported'],
    ['postgresql://db/holdfast?pgbouncer=true', 'the parameter pgbouncer is not supported'],
    ['postgresql://db/holdfast?max=50', 'the parameter max is not supported'],
    ['postgresql://db/holdfast?channel_binding=require', 'the parameter channel_binding is not supported'],
  ])('%s', (text, problem) => {
    const { problems } = readDatabaseUrl(text);
    expect(problems.join('\n')).toContain(problem);
    expect(problems).toHaveLength(1);
  });
});

test.each([
  ['postgres://holdfast:secret@127.0.0.1:5432/holdfast', { host: '127.0.0.1', port: 5432 }],
  ['postgresql:///holdfast?host=/var/run/postgresql&user=owner&password=x', { host: '/var/run/postgresql' }],
  ['postgresql://owner:x@/holdfast?host=/var/run/postgresql', { host: '/var/run/postgresql' }],
  ['postgresql://owner@[::1]/holdfast?sslmode=disable', { host: '::1', ssl: false }],
])("npm run up makes the processes' URLs from %s", (text, rest) => {
  expect(readDatabaseUrl(asRole(text, 'hold@fast', 'p:/w'))).toEqual({
    connections: [{ ...DB, ...rest, user: 'hold@fast', password: 'p:/w' }],
    problems: [],
  });
});
