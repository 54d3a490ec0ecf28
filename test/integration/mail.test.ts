// Mail against a real SMTP server: sent once, in the transaction of what it tells of; an outage delays and loses nothing, a
// refusal ends it and is told, and no row, job or event holds the secret of a link.
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { query } from '../../harness/query.ts';
import type { NewMail } from '../../src/core/mail/outgoing-mail.ts';
import type { MailTemplate } from '../../src/core/mail/templates.ts';
import { shownMail } from '../../src/core/mail/transport.ts';
import { cleanupMails, cleanupTokens } from '../../worker/jobs/cleanup.ts';
import { Browser, newEmail, openWorker, startWeb } from '../support/app.ts';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { world } from '../support/world.ts';

const FROM = 'Login service <login@example.org>';
const OF_FIREFOX = { browser: 'Firefox', system: 'Windows' } as const;
const FROM_HERE = {
  at: '2026-11-24T13:20:00.000Z',
  device: 'Firefox on Windows',
  ...OF_FIREFOX,
  ip: '203.0.113.7',
} as const;

const server = await startMailServer();
const ENV = { SMTP_URL: server.url, MAIL_FROM: FROM, PUBLIC_URL: 'http://login.example.org' };
const { stores, web, worker, sql } = await world({ webs: [{ ...ENV, REGISTRATION: 'open' }], worker: ENV });

afterEach(async () => {
  server.answerWith(null);
  server.beforeTaking(null);
  await sql('DELETE FROM mail');
});

afterAll(() => server.stop());

interface MailRow {
  readonly id: string;
  readonly outcome: string | null;
  readonly attempts: number;
  readonly last_error: string | null;
  readonly token_id: string | null;
  readonly waits: number;
}

async function rowOf(address: string): Promise<MailRow> {
  const [row] = await sql<MailRow>(
    `SELECT *, extract(epoch FROM due_at - clock_timestamp())::float8 AS waits FROM mail WHERE recipient = $1`,
    [address],
  );
  if (!row) throw new Error(`no row for ${address}`);
  return row;
}

function send<T extends MailTemplate>(mail: NewMail<T>): Promise<void> {
  return web.context.database.prisma.$transaction((transaction) => web.context.mail.sendWithin(transaction, mail));
}

async function registered(): Promise<{ email: string; userId: string }> {
  const email = newEmail();
  await new Browser(web.url).register(email);
  const [row] = await sql<{ id: string }>('SELECT id FROM user_account WHERE email = $1', [email]);
  return { email, userId: row?.id ?? '' };
}

/** A mail with a link, as a page asks for one. */
async function askForReset(): Promise<{ email: string; userId: string; tokenId: string }> {
  const person = await registered();
  const { links, mail, database } = web.context;
  const tokenId = await database.prisma.$transaction(async (transaction) => {
    const id = await links.issueWithin(transaction, { purpose: 'reset_password', userId: person.userId });
    const about = { to: person.email, userId: person.userId, parameters: FROM_HERE, language: 'en' } as const;
    await mail.sendWithin(transaction, { ...about, template: 'reset-password', tokenId: id });
    return id;
  });
  return { ...person, tokenId };
}

async function hoursPass(hours: number): Promise<void> {
  await sql(`UPDATE mail SET created_at = created_at - $1 * interval '1 hour'`, [hours]);
  await sql(
    `UPDATE token SET created_at = created_at - $1 * interval '1 hour', expires_at = expires_at - $1 * interval '1 hour'`,
    [hours],
  );
}

const makeDue = () => sql("UPDATE mail SET due_at = clock_timestamp() - interval '1 second' WHERE ended_at IS NULL");

describe('a mail', () => {
  test('is plain text and HTML, from the service, to one mailbox, with nothing remote in it', async () => {
    const to = newEmail();
    await send({ to, userId: null, template: 'password-changed', parameters: FROM_HERE, language: 'en' });
    expect(await worker.mailDelivery.sendDue()).toBe(1);
    const { email, raw } = await server.mailTo(to);
    expect(email.from).toMatchObject({ name: 'Login service', address: 'login@example.org' });
    expect(email.to).toEqual([{ name: '', address: to }]);
    expect(email.subject).toBe('Your password for Holdfast was changed');
    expect(email.text).toContain(
      '24 November 2026 at 13:20 UTC, with Firefox on Windows, from the IP address 203.0.113.7',
    );
    expect(email.text).toContain('http://login.example.org/forgot-password');
    expect(email.html).toContain('<html lang="en">');
    expect(email.html).not.toMatch(/<img|<script|<link|url\(|src=/i);
    expect(raw).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    expect(await rowOf(to)).toMatchObject({ outcome: 'sent', attempts: 1, last_error: null });
  });

  test('is in the language that it was asked for in', async () => {
    const to = newEmail();
    await send({ to, userId: null, template: 'password-changed', parameters: FROM_HERE, language: 'de' });
    await worker.mailDelivery.sendDue();
    const { email } = await server.mailTo(to);
    expect(email.subject).toBe('Ihr Passwort für Holdfast wurde geändert');
    expect(email.html).toContain('<html lang="de">');
    expect(email.text).toContain('am 24. November 2026 um 13:20 UTC');
  });

  test('says nothing that a client made up', async () => {
    const to = newEmail();
    const device = 'Nice\r\n\r\n<img src=//evil.example>\u2028Bcc: all@example.org';
    await send({
      to,
      userId: null,
      template: 'password-changed',
      parameters: { ...FROM_HERE, device, browser: device, system: device },
      language: 'en',
    });
    await worker.mailDelivery.sendDue();
    const { email } = await server.mailTo(to);
    expect(email.text).toContain('with an unknown browser, from');
    for (const word of ['Nice', 'img src', 'evil', 'Bcc']) expect(`${email.text}${email.html}`).not.toContain(word);
  });

  test.each([
    'a@example.org\r\nBcc: b@example.org',
    'a@example.org, b@example.org',
    '"x" <a@example.org>',
    'a@example.org\u0000',
    '',
  ])('is not written to %j', async (to) => {
    await expect(
      send({ to, userId: null, template: 'password-changed', parameters: FROM_HERE, language: 'en' }),
    ).rejects.toThrow('one address');
    expect(await sql('SELECT id FROM mail')).toEqual([]);
  });

  test('is written to an address that an account has, also one that could not register today', async () => {
    const to = `${'l'.repeat(65)}@example.org`;
    await send({ to, userId: null, template: 'password-changed', parameters: FROM_HERE, language: 'en' });
    expect(await sql('DELETE FROM mail RETURNING recipient')).toEqual([{ recipient: to }]);
  });

  test('is not sent when what it tells of did not happen', async () => {
    const to = newEmail();
    const undone = web.context.database.prisma.$transaction(async (transaction) => {
      const about = { to, userId: null, parameters: FROM_HERE, language: 'en' } as const;
      await web.context.mail.sendWithin(transaction, { ...about, template: 'password-changed' });
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await worker.mailDelivery.sendDue()).toBe(0);
    expect(server.countTo(to)).toBe(0);
  });

  test('goes out once, however many workers look for it at the same time', async () => {
    const addresses = Array.from({ length: 12 }, newEmail);
    for (const to of addresses) {
      await send({ to, userId: null, template: 'password-changed', parameters: FROM_HERE, language: 'en' });
    }
    const counts = await Promise.all([1, 2, 3].map(() => worker.mailDelivery.sendDue()));
    expect(counts.reduce((all, count) => all + count, 0)).toBe(12);
    expect(addresses.map((to) => server.countTo(to))).toEqual(addresses.map(() => 1));
  });

  test('goes with the account that it is about', async () => {
    const { email, userId } = await registered();
    await send({ to: email, userId, template: 'password-changed', parameters: FROM_HERE, language: 'en' });
    await sql('DELETE FROM user_account WHERE id = $1', [userId]);
    expect(await worker.mailDelivery.sendDue()).toBe(0);
  });
});

describe('a link in it', () => {
  test('has a secret that only the mailbox gets', async () => {
    const { email, tokenId } = await askForReset();
    const before = await sql<{ token_hash: Buffer | null }>('SELECT token_hash FROM token WHERE id = $1', [tokenId]);
    expect(before[0]?.token_hash).toBeNull();
    await worker.mailDelivery.sendDue();
    const { link } = await server.mailTo(email);
    const url = new URL(link ?? '');
    expect(url.origin + url.pathname).toBe('http://login.example.org/reset-password');
    const secret = url.searchParams.get('token') ?? '';
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const [token] = await sql<{ token_hash: Buffer; minutes: number }>(
      'SELECT token_hash, extract(epoch FROM expires_at - clock_timestamp())::float8 / 60 AS minutes FROM token WHERE id = $1',
      [tokenId],
    );
    expect(token?.token_hash.toString('hex')).toBe(createHash('sha256').update(secret).digest('hex'));
    expect(token?.minutes).toBeGreaterThan(29);
    expect(token?.minutes).toBeLessThanOrEqual(30);
    const stored = await sql<{ all: string }>(
      `SELECT (SELECT coalesce(json_agg(m), '[]')::text FROM mail m) || (SELECT coalesce(json_agg(o), '[]')::text FROM outbox o) AS all`,
    );
    expect(stored[0]?.all).not.toContain(secret);
    expect(await web.context.links.find('reset_password', secret)).toMatchObject({ id: tokenId });
    expect(await web.context.links.find('invitation', secret)).toBeNull();
  });

  test('of a second attempt replaces that of the first', async () => {
    const { email } = await askForReset();
    // The server took it, and the worker died before it could write that down.
    await worker.mailDelivery.sendDue();
    const first = await server.mailTo(email);
    await sql("UPDATE mail SET ended_at = NULL, outcome = NULL, due_at = clock_timestamp() - interval '1 second'");
    await worker.mailDelivery.sendDue();
    const second = await server.mailTo(email, 1);
    expect(second.email.messageId).toBe(first.email.messageId);
    const secretOf = (link: string | null) => new URL(link ?? '').searchParams.get('token') ?? '';
    expect(await web.context.links.find('reset_password', secretOf(first.link))).toBeNull();
    expect(await web.context.links.find('reset_password', secretOf(second.link))).not.toBeNull();
  });

  test('that was taken back stops its mail', async () => {
    const { email, userId } = await askForReset();
    await web.context.database.prisma.$transaction((transaction) =>
      web.context.links.takeBackWithin(transaction, userId, ['reset_password']),
    );
    await worker.mailDelivery.sendDue();
    expect(await rowOf(email)).toMatchObject({ outcome: 'dropped' });
    expect(server.countTo(email)).toBe(0);
  });

  test('gets a new secret as long as its mail is tried, also once the one before has run out', async () => {
    const { email, tokenId } = await askForReset();
    server.answerWith(() => ({ code: 451, message: 'later' }));
    await worker.mailDelivery.sendDue();
    await hoursPass(20);
    await cleanupTokens(worker);
    server.answerWith(null);
    await makeDue();
    await worker.mailDelivery.sendDue();
    expect(await rowOf(email)).toMatchObject({ outcome: 'sent', attempts: 2 });
    const secret = new URL((await server.mailTo(email)).link ?? '').searchParams.get('token') ?? '';
    expect(await web.context.links.find('reset_password', secret)).toMatchObject({ id: tokenId });
    await hoursPass(1);
    await cleanupTokens(worker);
    expect(await sql('SELECT id FROM token WHERE id = $1', [tokenId])).toEqual([]);
  });

  test('that was taken back between two attempts gets no other secret', async () => {
    const { email, userId } = await askForReset();
    server.answerWith(() => ({ code: 451, message: 'later' }));
    await worker.mailDelivery.sendDue();
    await web.context.database.prisma.$transaction((transaction) =>
      web.context.links.takeBackWithin(transaction, userId, ['reset_password']),
    );
    await hoursPass(1);
    server.answerWith(null);
    await makeDue();
    await worker.mailDelivery.sendDue();
    expect(await rowOf(email)).toMatchObject({ outcome: 'dropped', attempts: 2 });
    expect(server.countTo(email)).toBe(0);
  });

  test('can be used once, and by one of many at the same instant', async () => {
    const { email } = await askForReset();
    await worker.mailDelivery.sendDue();
    const secret = new URL((await server.mailTo(email)).link ?? '').searchParams.get('token') ?? '';
    const { links, database } = web.context;
    const uses = await Promise.all(
      [1, 2, 3, 4].map(() =>
        database.prisma.$transaction((transaction) => links.useWithin(transaction, 'reset_password', secret)),
      ),
    );
    expect(uses.filter((use) => use !== null)).toHaveLength(1);
    expect(await links.find('reset_password', secret)).toBeNull();
  });
});

describe('a server that', () => {
  test('is away delays mail and is asked for one of them, not for each', async () => {
    const addresses = Array.from({ length: 8 }, newEmail);
    for (const to of addresses) {
      await send({ to, userId: null, template: 'password-changed', parameters: FROM_HERE, language: 'en' });
    }
    await server.stop();
    const tried = await worker.mailDelivery.sendDue();
    expect(tried).toBeLessThanOrEqual(4);
    const rows = await sql<MailRow>('SELECT * FROM mail');
    expect(rows.map(({ outcome }) => outcome)).toEqual(addresses.map(() => null));
    await server.startAgain();
    await makeDue();
    await worker.mailDelivery.sendDue();
    expect(addresses.map((to) => server.countTo(to))).toEqual(addresses.map(() => 1));
  });

  test('says "not now" is asked again later', async () => {
    const to = newEmail();
    server.answerWith(() => ({ code: 451, message: 'greylisted, come back later' }));
    await send({ to, userId: null, template: 'password-changed', parameters: FROM_HERE, language: 'en' });
    await worker.mailDelivery.sendDue();
    const row = await rowOf(to);
    expect(row).toMatchObject({ outcome: null, attempts: 1 });
    expect(row.last_error).toContain('greylisted');
    expect(row.waits).toBeGreaterThan(40);
    expect(row.waits).toBeLessThan(90);
    expect(await worker.mailDelivery.sendDue()).toBe(0);
    server.answerWith(null);
    await makeDue();
    await worker.mailDelivery.sendDue();
    expect(await rowOf(to)).toMatchObject({ outcome: 'sent', attempts: 2 });
    expect(server.countTo(to)).toBe(1);
  });

  test('says "never" is believed: the mail has failed, in the audit log without its address', async () => {
    const { email, userId } = await registered();
    server.answerWith(() => ({ code: 550, message: 'no such mailbox' }));
    await send({ to: email, userId, template: 'password-changed', parameters: FROM_HERE, language: 'en' });
    await worker.mailDelivery.sendDue();
    expect(await rowOf(email)).toMatchObject({ outcome: 'failed', attempts: 1 });
    expect(await worker.mailDelivery.sendDue()).toBe(0);
    const [event] = await sql<{ event: Record<string, unknown> }>(
      `SELECT event FROM outbox WHERE event->>'type' = 'mail_failed' AND event->>'subject' = $1`,
      [userId],
    );
    expect(event?.event).toMatchObject({ detail: { template: 'password-changed', code: '550', attempts: 1 } });
    expect(JSON.stringify(event?.event)).not.toContain(email);
  });

  test('stays away for a day is given up on', async () => {
    const to = newEmail();
    server.answerWith(() => ({ code: 451, message: 'later' }));
    await send({ to, userId: null, template: 'password-changed', parameters: FROM_HERE, language: 'en' });
    await sql("UPDATE mail SET created_at = clock_timestamp() - interval '25 hours'");
    await worker.mailDelivery.sendDue();
    expect(await rowOf(to)).toMatchObject({ outcome: 'failed' });
  });

  test('takes its time keeps its mail from every other worker', async () => {
    const to = newEmail();
    await send({ to, userId: null, template: 'password-changed', parameters: FROM_HERE, language: 'en' });
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.beforeTaking(() => held);
    const slow = worker.mailDelivery.sendDue();
    await server.mailTo(to);
    expect(await worker.mailDelivery.sendDue()).toBe(0);
    release();
    expect(await slow).toBe(1);
    expect(await rowOf(to)).toMatchObject({ outcome: 'sent', attempts: 1 });
    expect(server.countTo(to)).toBe(1);
  });
});

describe('in production', () => {
  const KEYS = { SESSION_KEYS: 'k'.repeat(32), SECRETS_KEYS: 'k'.repeat(32) };
  const PRODUCTION = { ...KEYS, NODE_ENV: 'production', PUBLIC_URL: 'https://login.example.org', MAIL_FROM: FROM };
  let encrypting: MailServer;

  beforeAll(async () => {
    encrypting = await startMailServer({ startTls: true });
  });

  afterAll(() => encrypting?.stop());

  /** What becomes of a mail, and over which connections it went, where `SMTP_URL` says this. */
  async function sendBy(smtpUrl: string, at: MailServer) {
    const to = newEmail();
    const own = await openWorker(stores, { ...PRODUCTION, SMTP_URL: smtpUrl });
    await send({ to, userId: null, template: 'password-changed', parameters: FROM_HERE, language: 'en' });
    await own.mailDelivery.sendDue();
    await own.close();
    const { outcome, last_error: error } = await rowOf(to);
    return { outcome, error, secure: at.received.filter((mail) => mail.to.includes(to)).map(({ secure }) => secure) };
  }

  test('mail goes encrypted, by STARTTLS, to a server whose certificate is trusted', async () => {
    const trusted = await sendBy(`${encrypting.url}?tls.rejectUnauthorized=false`, encrypting);
    expect(trusted).toEqual({ outcome: 'sent', error: null, secure: [true] });
    const unknown = await sendBy(encrypting.url, encrypting);
    expect(unknown).toEqual({ outcome: null, error: expect.stringContaining('certificate'), secure: [] });
  });

  test('mail waits where a server does not encrypt, unless the URL says that it may', async () => {
    const plain = await sendBy(server.url, server);
    expect(plain).toEqual({ outcome: null, error: expect.stringContaining('STARTTLS'), secure: [] });
    const allowed = await sendBy(`${server.url}?requireTLS=false`, server);
    expect(allowed).toEqual({ outcome: 'sent', error: null, secure: [false] });
  });
});

describe('the worker', () => {
  test('may not send a mail to somebody else, nor give a link to another, nor read what it has no use for', async () => {
    const asWorker = (text: string) => query(stores.database.workerUrl, text);
    await expect(asWorker("UPDATE mail SET recipient = 'a@example.org'")).rejects.toThrow('permission denied');
    await expect(asWorker('UPDATE token SET user_id = gen_random_uuid()')).rejects.toThrow('permission denied');
    await expect(asWorker('SELECT password_hash FROM registration')).rejects.toThrow('permission denied');
  });

  test('deletes what has been kept long enough, and nothing that waits', async () => {
    const [old, recent, waiting] = [newEmail(), newEmail(), newEmail()] as const;
    for (const to of [old, recent, waiting]) {
      await send({ to, userId: null, template: 'password-changed', parameters: FROM_HERE, language: 'en' });
    }
    const ended = "UPDATE mail SET outcome = 'sent', ended_at = clock_timestamp() - $2::interval WHERE recipient = $1";
    await sql(ended, [old, '31 days']);
    await sql(ended, [recent, '29 days']);
    await sql("UPDATE mail SET created_at = clock_timestamp() - interval '60 days'");
    await cleanupMails(worker);
    const left = await sql<{ recipient: string }>('SELECT recipient FROM mail');
    expect(left.map(({ recipient }) => recipient).sort()).toEqual([recent, waiting].sort());
  });
});

describe('without a server', () => {
  test('and outside of production mail is kept for the page that shows it', async () => {
    const bare = await openWorker(stores);
    const redis = new Redis(stores.redisUrl, { keyPrefix: 'hf:' });
    try {
      const to = newEmail();
      await send({ to, userId: null, template: 'password-changed', parameters: FROM_HERE, language: 'en' });
      await bare.mailDelivery.sendDue();
      const [newest] = await shownMail(redis as never);
      expect(newest).toMatchObject({ to, subject: 'Your password for Holdfast was changed' });
      expect(await rowOf(to)).toMatchObject({ outcome: 'sent' });
      expect(await redis.ttl('dev:mail')).toBeGreaterThan(86_000);
    } finally {
      redis.disconnect();
      await bare.close();
    }
  });

  test('and in production none is written', async () => {
    const env = { NODE_ENV: 'production', PUBLIC_URL: 'https://login.example.org', SESSION_KEYS: 'k'.repeat(32) };
    const production = await startWeb(stores, env);
    try {
      const { mail, database } = production.context;
      expect(mail.possible).toBe(false);
      const about = { to: newEmail(), userId: null, parameters: FROM_HERE, language: 'en' } as const;
      await database.prisma.$transaction((transaction) =>
        mail.sendWithin(transaction, { ...about, template: 'password-changed' }),
      );
      expect(await sql('SELECT id FROM mail')).toEqual([]);
    } finally {
      await production.close();
    }
  });
});
