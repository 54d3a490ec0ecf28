// Moving in by the command as it is shipped: what goes in, what is named, what stays as it is, and what is left to do.
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { isNoPassword } from '../../src/core/credentials/no-password.ts';
import { Browser } from '../support/app.ts';
import { commandLine } from '../support/command-line.ts';
import { world } from '../support/world.ts';

const { stores, web, worker, sql, atEnd } = await world({ worker: true, watched: true });
const cli = commandLine(stores);
const WHY = ['--reason', 'a drill'];

const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-import-'));
atEnd(() => rm(folder, { recursive: true }));

let files = 0;
type Fields = Readonly<Record<string, unknown>>;

async function fileOf(...people: readonly (Fields | string)[]): Promise<string> {
  files += 1;
  const file = path.join(folder, `people-${files}.ndjson`);
  const lines = people.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

async function importFile(file: string, ...options: string[]) {
  const result = await cli(['import', file, '--json', ...WHY, ...options]);
  return { ...result, summary: result.out === '' ? null : JSON.parse(result.out) };
}

const reportOf = async (file: string) =>
  (await readFile(`${file}.errors.ndjson`, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

async function account(externalId: string) {
  const text = `SELECT id, email, email_key AS "emailKey", password_hash AS "passwordHash", language, role::text,
                       disabled_at IS NOT NULL AS disabled, created_at AS "createdAt", scheme, stored
                  FROM user_account LEFT JOIN imported_password ON user_id = id WHERE external_id = $1`;
  const [row] = await sql<Record<string, unknown>>(text, [externalId]);
  return row;
}

async function eventsOf(run: string) {
  await worker.sealing.seal();
  const text = `SELECT type, subject_id AS subject, detail FROM audit_event WHERE detail ->> 'import' = $1 ORDER BY seq`;
  return sql<{ type: string; subject: string | null; detail: Record<string, unknown> }>(text, [run]);
}

/** Of "an old password", at the lowest cost. */
const BCRYPT = '$2b$04$KIXwFX3QBnWcVqHs0Jz0xO7BTi4yQ0Ff1Vwjv7o3cO1u5e4y3b8Qy';
let number = 0;
const person = (more: Fields = {}): Fields => {
  number += 1;
  return { externalId: `x${number}`, email: `person${number}@example.org`, ...more };
};

describe('import', () => {
  test('makes accounts with all that they can keep, each with its event', async () => {
    const one = person({
      email: 'Ada@Example.org',
      locale: 'de',
      created_at: '2020-01-02T03:04:05Z',
      password_hash: BCRYPT,
    });
    const two = person({ blocked: true, name: 'Grace', password_hash: '!' });
    const { code, summary } = await importFile(await fileOf(one, two));
    expect(code).toBe(0);
    expect(summary).toMatchObject({
      read: 2,
      created: 2,
      unchanged: 0,
      withoutPassword: 1,
      schemes: { bcrypt: 1 },
      notKept: { name: 1 },
      errors: {},
    });
    const ada = await account(one['externalId'] as string);
    expect(ada).toMatchObject({
      email: 'Ada@Example.org',
      emailKey: 'ada@example.org',
      language: 'de',
      role: 'member',
      disabled: false,
      scheme: 'bcrypt',
    });
    expect(ada?.['createdAt']).toEqual(new Date('2020-01-02T03:04:05Z'));
    const grace = await account(two['externalId'] as string);
    expect(grace).toMatchObject({ disabled: true, scheme: null });
    for (const row of [ada, grace]) expect(isNoPassword(row?.['passwordHash'] as string)).toBe(true);
    expect(await eventsOf(summary.import)).toMatchObject([
      {
        type: 'user_created',
        subject: ada?.['id'],
        detail: { role: 'member', password: 'bcrypt', by: 'cli', reason: 'a drill' },
      },
      { type: 'user_created', subject: grace?.['id'], detail: { password: 'none' } },
      { type: 'people_imported', subject: null, detail: { from: 'neutral', people: 2 } },
    ]);
  });

  test('a second run changes nothing, and leaves no event', async () => {
    const file = await fileOf(person({ password_hash: BCRYPT, groups: ['Moved', 'moved'] }), person());
    const first = await importFile(file);
    const before = await sql('SELECT * FROM user_account LEFT JOIN imported_password ON user_id = id ORDER BY id');
    const second = await importFile(file);
    expect([first.summary.created, second.summary.created, second.summary.unchanged]).toEqual([2, 0, 2]);
    expect(await sql('SELECT * FROM user_account LEFT JOIN imported_password ON user_id = id ORDER BY id')).toEqual(
      before,
    );
    expect(await eventsOf(second.summary.import)).toEqual([]);
  });

  test('a dry run says the same and writes nothing', async () => {
    const file = await fileOf(person({ password_hash: BCRYPT }), person({ email: 'Ada@Example.org' }), '{');
    const before = await sql('SELECT count(*) FROM user_account');
    const { code, summary } = await cli(['import', file, '--dry-run', '--json']).then(({ code, out }) => ({
      code,
      summary: JSON.parse(out),
    }));
    expect([code, summary.created, summary.errors]).toEqual([1, 1, { email_taken: 1, invalid_json: 1 }]);
    expect(await sql('SELECT count(*) FROM user_account')).toEqual(before);
  });

  test('puts people into groups, and makes those that are missing', async () => {
    const one = person({ groups: ['Crew'] });
    await importFile(await fileOf(one, person({ groups: ['crew', 'Pilots'] })));
    const groups =
      await sql(`SELECT name, count(*)::int AS members FROM account_group JOIN group_member ON group_id = id
                               WHERE name IN ('Crew', 'Pilots') GROUP BY name ORDER BY name`);
    expect(groups).toEqual([
      { name: 'Crew', members: 2 },
      { name: 'Pilots', members: 1 },
    ]);
    const { id } = (await account(one['externalId'] as string)) ?? {};
    await worker.sealing.seal();
    expect(await sql('SELECT type FROM audit_event WHERE subject_id = $1 ORDER BY seq', [id])).toEqual([
      { type: 'user_created' },
      { type: 'group_member_added' },
    ]);
  });

  test('names what is wrong in a report, never what stands there, and takes the rest', async () => {
    const taken = person();
    await importFile(await fileOf(taken));
    const first = person();
    const weak = person({ password_hash: '{SHA}7oMDk1ApX9xsM38Q15RWtv7wfeM=' });
    const file = await fileOf(
      first,
      person({ externalId: first['externalId'] }),
      person({ email: String(first['email']).toUpperCase() }),
      person({ email: taken['email'] }),
      person({ password_hash: 'a secret' }),
      person({ password: 'another secret' }),
      weak,
      person(),
    );
    const { code, summary, err } = await importFile(file);
    expect(code).toBe(1);
    expect(err).toBe(
      `6 people could not be taken: see ${file}.errors.ndjson. Mend the file and run the command again.\n`,
    );
    expect(summary).toMatchObject({ read: 8, created: 2 });
    expect((await reportOf(file)).sort((one, other) => one.line - other.line)).toEqual([
      { line: 2, code: 'duplicate_external_id' },
      { line: 3, code: 'duplicate_email' },
      { line: 4, code: 'email_taken' },
      { line: 5, code: 'unknown_scheme' },
      { line: 6, code: 'unknown_field', field: 'password' },
      { line: 7, code: 'weak_hash' },
    ]);
    expect((await stat(`${file}.errors.ndjson`)).mode & 0o777).toBe(0o600);
    const again = await importFile(file, '--allow-weak');
    expect(again.summary).toMatchObject({ created: 1, unchanged: 2, weak: 1 });
    expect((await account(weak['externalId'] as string))?.['stored']).not.toContain('7oMDk1ApX9xsM38Q15RWtv7wfeM');
  });

  test('whoever has chosen a new password since keeps it, and whoever was deleted stays away', async () => {
    const [kept, gone] = [person({ password_hash: BCRYPT }), person({ password_hash: BCRYPT })];
    const file = await fileOf(kept, gone);
    await importFile(file);
    const [one, two] = [await account(kept['externalId'] as string), await account(gone['externalId'] as string)];
    await sql(`UPDATE user_account SET password_hash = 'newer' WHERE id = $1`, [one?.['id']]);
    expect(await cli(['user', 'erase', String(two?.['email']), '--yes', ...WHY])).toMatchObject({ code: 0 });
    const { code, summary } = await importFile(file);
    expect([code, summary.unchanged, summary.deleted, summary.created]).toEqual([0, 1, 1, 0]);
    expect(await account(kept['externalId'] as string)).toMatchObject({ passwordHash: 'newer', scheme: null });
    expect(await account(gone['externalId'] as string)).toBeUndefined();
  });

  test('says who is here with another address: changed here since, or a person of another system with the same id', async () => {
    const [same, changed] = [person({ email: 'Same@Example.org' }), person()];
    await importFile(await fileOf(same, changed));
    const other = { ...changed, email: 'somebody.else@example.org' };
    const file = await fileOf({ ...same, email: 'same@example.org' }, other);
    const dry = await cli(['import', file, '--dry-run']);
    expect([dry.code, dry.err]).toEqual([0, '']);
    expect(dry.out).toContain(`  here with another e-mail address: 1, see ${file}.errors.ndjson\n`);
    const { code, summary } = await importFile(file);
    expect([code, summary.unchanged, summary.otherAddress, summary.errors]).toEqual([0, 2, 1, {}]);
    expect(await reportOf(file)).toEqual([{ line: 2, code: 'other_address' }]);
    expect(await account(changed['externalId'] as string)).toMatchObject({ email: changed['email'] });
  });

  test('a file with nobody in it is a mistake, such as one of another system', async () => {
    const file = await fileOf(person());
    for (const more of [[], ['--dry-run']]) {
      const of = await cli(['import', file, '--from', 'django', ...WHY, ...more]);
      expect([of.code, of.err]).toEqual([1, `Nobody was found in ${file} read as one of django.\n`]);
    }
    const empty = await fileOf('');
    expect(await cli(['import', empty, ...WHY])).toMatchObject({ code: 1, err: `Nobody was found in ${empty}.\n` });
  });

  test('mails nobody unless it is asked to', async () => {
    const [quiet, told] = [person(), person({ locale: 'de', password_hash: BCRYPT })];
    await importFile(await fileOf(quiet));
    const file = await fileOf(told, person({ blocked: true }));
    expect(await cli(['import', file, '--welcome', ...WHY])).toMatchObject({ code: 2 });
    const env = { SMTP_URL: 'smtp://127.0.0.1:2525', PUBLIC_URL: 'http://localhost:3000' };
    expect(await cli(['import', file, '--welcome', ...WHY], { env })).toMatchObject({ code: 0 });
    const mails = await sql("SELECT recipient, language, parameters FROM mail WHERE template = 'welcome'");
    expect(mails).toEqual([{ recipient: told['email'], language: 'de', parameters: { hasPassword: true } }]);
  });

  test('somebody without a password chooses one by the usual link', async () => {
    const someone = person();
    await importFile(await fileOf(someone));
    const printed = await cli(['user', 'reset-link', String(someone['email']), ...WHY]);
    const token = new URL(printed.out.trim()).searchParams.get('token') ?? '';
    const browser = new Browser(web.url);
    await browser.get(`/reset-password?token=${token}`);
    const answer = await browser.submit('/reset-password', { password: 'something quite new 7' });
    expect(answer.status).toBe(303);
  });

  test('asks for a file and a reason, and for a file that is there', async () => {
    expect(await cli(['import'])).toMatchObject({ code: 2 });
    expect(await cli(['import', await fileOf(person())])).toMatchObject({
      code: 2,
      err: 'Say why with --reason: it is recorded.\n',
    });
    expect(await cli(['import', path.join(folder, 'none'), ...WHY])).toMatchObject({ code: 1 });
    const file = await fileOf(person());
    const before = await readFile(file, 'utf8');
    expect(await cli(['import', file, '--report', file, ...WHY])).toMatchObject({ code: 2 });
    expect(await readFile(file, 'utf8')).toBe(before);
    expect(await cli(['import', folder, '--from', 'somewhere', ...WHY])).toMatchObject({ code: 2 });
  });

  test('reads standard input', async () => {
    const one = person();
    const report = path.join(folder, 'stdin.errors');
    const result = await cli(['import', '-', '--report', report, ...WHY], { input: JSON.stringify(one) });
    expect([result.code, result.out]).toEqual([0, '1 person taken over.\n  without a password: 1\n']);
  });
});

describe('secrets of a file', () => {
  const FIREBASE = { password_scheme: 'firebase', password_columns: { passwordHash: 'aGFzaA==', salt: 'c2FsdA==' } };
  const CONFIG = {
    algorithm: 'SCRYPT',
    base64_signer_key: 'c2lnbmVy',
    base64_salt_separator: 'Bw==',
    rounds: 8,
    mem_cost: 14,
  };

  test('are kept once, encrypted, with the keys of the web processes', async () => {
    const secrets = path.join(folder, 'secrets.json');
    await writeFile(secrets, JSON.stringify({ hash_config: CONFIG }));
    const file = await fileOf(person(FIREBASE), person(FIREBASE));
    expect(await cli(['import', file, '--secrets', secrets, ...WHY])).toMatchObject({ code: 2 });
    const env = { SECRETS_KEYS: 'a key of thirty-two characters or more' };
    expect(await cli(['import', file, '--secrets', secrets, ...WHY], { env })).toMatchObject({ code: 0 });
    const rows = await sql<{ text: string }>("SELECT encode(encrypted, 'escape') AS text FROM import_secret");
    expect(rows).toHaveLength(1);
    expect(rows[0]?.text).not.toContain('c2lnbmVy');
  });

  test('are named as missing where they are', async () => {
    const file = await fileOf(person(FIREBASE));
    const { code, summary } = await importFile(file);
    expect([code, summary.errors]).toEqual([1, { missing_secret: 1 }]);
  });
});

test('import status counts everybody who has not logged in since, by how the passwords were made', async () => {
  const bytes = (count: number) => Buffer.alloc(count, 7).toString('base64').replace(/=+$/, '');
  const argon2 = `$argon2id$v=19$m=65536,t=3,p=4$${bytes(16)}$${bytes(32)}`;
  const file = await fileOf(person({ password_hash: argon2 }), person(), person({ password_hash: BCRYPT }));
  expect((await cli(['import', file, ...WHY])).code).toBe(0);
  const counted = async () => {
    const { out } = await cli(['import', 'status', '--json']);
    const rows = out.trim().split('\n');
    return new Map(rows.map((row) => JSON.parse(row)).map(({ scheme, people }) => [scheme, people as number]));
  };
  const before = await counted();
  for (const scheme of ['argon2id', 'none', 'bcrypt']) expect(before.get(scheme)).toBeGreaterThan(0);
  const text =
    'SELECT count(*)::int AS left FROM user_account WHERE external_id IS NOT NULL AND first_login_at IS NULL AND deleted_at IS NULL';
  const [{ left } = { left: 0 }] = await sql<{ left: number }>(text);
  expect([...before.values()].reduce((sum, people) => sum + people, 0)).toBe(left);
  await sql(`UPDATE user_account SET first_login_at = now() WHERE external_id = 'x${number - 1}'`);
  expect((await counted()).get('none') ?? 0).toBe((before.get('none') ?? 0) - 1);
  const [, ...lines] = (await cli(['import', 'status'])).out.trim().split('\n');
  expect(lines.some((line) => /^bcrypt +\d+ +0 +20/.test(line))).toBe(true);
});
