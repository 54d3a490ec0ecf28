// Out of one installation and into another: who somebody is, where they belong, and the password that they know.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Browser, PASSWORD, startWeb } from '../support/app.ts';
import { commandLine } from '../support/command-line.ts';
import { openTestStores } from '../support/stores.ts';
import { world } from '../support/world.ts';

const { stores, worker, sql, newMember, atEnd } = await world({ worker: true });
const elsewhere = await openTestStores();
atEnd(() => elsewhere.close());
const cli = commandLine(stores);
const WHY = ['--reason', 'a drill'];
const folder = await mkdtemp(path.join(tmpdir(), 'holdfast-export-'));
atEnd(() => rm(folder, { recursive: true }));

const lines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

async function lastExport() {
  await worker.sealing.seal();
  const text = "SELECT detail FROM audit_event WHERE type = 'people_exported' ORDER BY seq DESC LIMIT 1";
  return (await sql<{ detail: Record<string, unknown> }>(text))[0]?.detail;
}

describe('people export', () => {
  test('writes everybody without a hash, and is recorded', async () => {
    const { id, email } = await newMember();
    const { code, out } = await cli(['people', 'export', ...WHY]);
    expect(code).toBe(0);
    expect(lines(out)).toEqual([{ externalId: id, email, locale: 'en', created_at: expect.any(String) }]);
    expect(out).not.toContain('argon2');
    expect(await lastExport()).toMatchObject({ of: 'everybody', hashes: false, by: 'cli', reason: 'a drill' });
  });

  test('writes hashes only once that is confirmed', async () => {
    const refused = await cli(['people', 'export', '--with-hashes', ...WHY]);
    expect([refused.code, refused.out]).toEqual([1, '']);
    expect(await lastExport()).toMatchObject({ hashes: false });
    const { code, out } = await cli(['people', 'export', '--with-hashes', '--yes', ...WHY]);
    expect([code, lines(out)[0]?.password_hash.startsWith('$argon2id$')]).toEqual([0, true]);
    expect(await lastExport()).toMatchObject({ hashes: true });
  });

  test('takes everybody to another installation, where they log in as before', async () => {
    const { email } = await newMember();
    const waiting = path.join(folder, 'waiting.ndjson');
    const bcrypt = { password_hash: `$2b$04$${'a'.repeat(53)}`, groups: ['Crew'], blocked: true };
    const blank = { externalId: 'w2', email: 'blank@example.org' };
    const people = [{ externalId: 'w1', email: 'waiting@example.org', ...bcrypt }, blank];
    await writeFile(waiting, people.map((one) => JSON.stringify(one)).join('\n'));
    expect(await cli(['import', waiting, ...WHY])).toMatchObject({ code: 0 });

    const { out } = await cli(['people', 'export', '--with-hashes', '--yes', ...WHY]);
    const waits = lines(out).find(({ externalId }) => externalId === 'w1');
    expect(waits).toMatchObject({ password_scheme: 'bcrypt', password_hash: bcrypt.password_hash });
    const file = path.join(folder, 'people.ndjson');
    await writeFile(file, out);
    const there = commandLine(elsewhere);
    const imported = JSON.parse((await there(['import', file, '--json', ...WHY])).out);
    expect(imported).toMatchObject({ created: lines(out).length, withoutPassword: 1, errors: {} });
    expect(lines((await there(['people', 'export', '--with-hashes', '--yes', ...WHY])).out)).toEqual(lines(out));

    const web = await startWeb(elsewhere);
    try {
      const browser = new Browser(web.url);
      expect((await browser.submit('/login', { email, password: `${PASSWORD}x` })).status).toBe(401);
      expect((await browser.submit('/login', { email, password: PASSWORD })).status).toBe(303);
      expect(await browser.profile()).toBe(200);
    } finally {
      await web.close();
    }
  }, 240_000);
});
