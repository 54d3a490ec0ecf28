// The file that says where the log goes: what it may say, and a sentence for what it may not. Nothing of a secret is in one.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, jest, test } from '@jest/globals';
import { readDrainFile } from '../../src/core/shipping/drain-file.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-drains-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SECRET = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
const write = (name: string, text: string) => {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
};
const secretFile = write('secret', `${SECRET}\n${SECRET}\n`);
const read = (text: string) => readDrainFile(write('drains.yaml', text));

test('names receivers of each kind', () => {
  const { drains, problems } = read(`
drains:
  - { name: siem, to: "https://siem.example.org:8443/secret/path?key=1", secretFile: ${secretFile}, format: ocsf, start: now }
  - { name: here, to: "http://localhost:9000", secretFile: ${secretFile} }
  - { name: loghost, to: "syslog+tls://logs.example.org", format: ecs }
  - { name: six, to: "syslog+tcp://[::1]:5140", start: 12 }
  - { name: archive, to: "file:/var/log/holdfast/audit.ndjson", rotateMegabytes: 1, keep: 2 }
`);
  expect(problems).toEqual([]);
  expect(drains.map(({ name, target, format, start }) => [name, target, format, start])).toEqual([
    ['siem', 'https://siem.example.org:8443', 'ocsf', 'now'],
    ['here', 'http://localhost:9000', 'holdfast', 'beginning'],
    ['loghost', 'syslog+tls://logs.example.org:6514', 'ecs', 'beginning'],
    ['six', 'syslog+tcp://[::1]:5140', 'holdfast', 12],
    ['archive', '/var/log/holdfast/audit.ndjson', 'holdfast', 'beginning'],
  ]);
  expect(drains.map(({ receiver }) => receiver)).toMatchObject([
    {
      kind: 'webhook',
      url: 'https://siem.example.org:8443/secret/path?key=1',
      keys: [Buffer.alloc(24, 1), Buffer.alloc(24, 1)],
    },
    { kind: 'webhook', ca: null },
    { kind: 'syslog', host: 'logs.example.org', port: 6_514, tls: { ca: null } },
    { kind: 'syslog', host: '::1', port: 5_140, tls: null },
    { kind: 'file', rotateBytes: 1_048_576, keep: 2 },
  ]);
});

const one = (rest: string) => `drains: [{ name: siem, ${rest} }]`;

test.each([
  ['a host elsewhere in the clear', one(`to: "http://siem.example.org", secretFile: ${secretFile}`), 'only https://'],
  ['no secret', one('to: "https://siem.example.org"'), 'secretFile: a webhook needs it'],
  [
    'a secret that is not there',
    one('to: "https://siem.example.org", secretFile: /nowhere'),
    "/nowhere can't be read (ENOENT)",
  ],
  [
    'a short secret',
    one(`to: "https://siem.example.org", secretFile: ${write('short', 'whsec_MTIz')}`),
    '24 to 64 random bytes',
  ],
  [
    'a password in the URL',
    one(`to: "https://a:verysecret@siem.example.org", secretFile: ${secretFile}`),
    'no user name',
  ],
  [
    'a certificate that is none',
    one(`to: "syslog+tls://a", caFile: ${write('no.pem', 'verysecret')}`),
    'holds no certificate',
  ],
  ['a certificate without TLS', one(`to: "syslog+tcp://a", caFile: ${secretFile}`), 'it is for syslog+tls://'],
  ['another scheme', one('to: "ftp://siem.example.org"'), 'ftp: is not supported'],
  ['no URL', one('to: siem'), 'expected https://'],
  ['a file on another machine', one('to: "file://var/log/audit.ndjson"'), 'a path on this machine'],
  ['a syslog path', one('to: "syslog+tcp://a/b"'), 'expected a host and a port'],
  ['an unknown key', one('to: "syslog+tcp://a", colour: red'), 'colour'],
  ['an unknown format', one('to: "syslog+tcp://a", format: xml'), 'format'],
  ['a name with spaces', 'drains: [{ name: "a b", to: "syslog+tcp://a" }]', 'small letters'],
  ['a name twice', 'drains: [{ name: a, to: "syslog+tcp://a" }, { name: a, to: "syslog+tcp://b" }]', 'the same name'],
  ['no YAML', 'drains: [', 'is no YAML'],
  ['nothing', '', 'expected'],
])('%s is refused with a sentence', (_, text, sentence) => {
  const { drains, problems } = read(text);
  expect(drains).toEqual([]);
  expect(problems.join('\n')).toContain(sentence);
  expect(problems.join('\n')).not.toMatch(/verysecret|whsec_MTIz/);
});

test('a path is taken as it is meant', () => {
  const { drains } = read(one('to: "file:///var/log/hold%20fast.ndjson"'));
  expect(drains.map(({ target }) => target)).toEqual(['/var/log/hold fast.ndjson']);
});

test('what the parser does not know is no reason to print a line of the file', () => {
  const warned = jest.spyOn(process, 'emitWarning').mockReturnValue();
  read(one(`to: !secret "https://siem.example.org/verysecret", secretFile: ${secretFile}`));
  expect(JSON.stringify(warned.mock.calls.map(String))).not.toContain('verysecret');
  expect(warned).not.toHaveBeenCalled();
  warned.mockRestore();
});

test('a file that is not there is said, and none is none', () => {
  expect(readDrainFile('/nowhere/drains.yaml').problems).toEqual(["/nowhere/drains.yaml can't be read (ENOENT)"]);
  expect(readDrainFile(null)).toEqual({ drains: [], problems: [] });
});
