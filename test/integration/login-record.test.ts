// What a log-in leaves behind: the record of every attempt, and a hash made anew when its cost has changed.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Browser, newEmail, PASSWORD, startWeb, type TestProcess } from '../support/app.ts';
import { world } from '../support/world.ts';

const { stores, web, other, worker, sql, newMember } = await world({ webs: 2, worker: true });

describe('the record', () => {
  test('holds every attempt, with a keyed hash in place of what was typed', async () => {
    const { email, id } = await newMember();
    const unknown = newEmail();
    await new Browser(web.url).logIn(email, 'wrong password');
    await new Browser(web.url).logIn(email.toUpperCase());
    await new Browser(web.url).logIn(unknown, 'a-password-typed-elsewhere');
    await new Browser(web.url).logIn('my secret typed as address', 'wrong password');
    await worker.sealing.seal();
    const attempts = await sql<{
      user_id: string | null;
      identifier_hash: Buffer;
      outcome: string;
      reason: string | null;
      ip: string;
    }>(
      `SELECT user_id, identifier_hash, outcome, reason, host(ip) AS ip FROM login_attempt ORDER BY occurred_at DESC LIMIT 4`,
    );
    expect(attempts.reverse().map(({ user_id, outcome, reason, ip }) => [user_id, outcome, reason, ip])).toEqual([
      [id, 'failure', 'wrong_password', '127.0.0.1'],
      [id, 'success', null, '127.0.0.1'],
      [null, 'failure', 'unknown_account', '127.0.0.1'],
      [null, 'failure', 'unknown_account', '127.0.0.1'],
    ]);
    const hashes = attempts.map(({ identifier_hash }) => identifier_hash.toString('hex'));
    expect(hashes[0]).toHaveLength(64);
    expect(hashes[0]).toBe(hashes[1]);
    expect(new Set(hashes).size).toBe(3);
    const everything = JSON.stringify([
      await sql(`SELECT * FROM login_attempt`),
      await sql('SELECT * FROM audit_event'),
      await sql('SELECT * FROM outbox'),
    ]);
    for (const secret of [unknown, 'secret typed', PASSWORD, 'wrong password', 'a-password-typed']) {
      expect(everything).not.toContain(secret);
    }
    expect(everything).not.toContain(email);
  });

  test('says why in the log, where the visitor was not told', async () => {
    const { email, id } = await newMember();
    await sql('UPDATE user_account SET disabled_at = now() WHERE id = $1', [id]);
    await new Browser(web.url).logIn(email);
    await worker.sealing.seal();
    const [event] = await sql<{ type: string; actor_id: string | null; detail: object }>(
      `SELECT type, actor_id, detail FROM audit_event WHERE subject_id = $1 ORDER BY seq DESC LIMIT 1`,
      [id],
    );
    expect(event).toEqual({ type: 'authn_login_fail', actor_id: null, detail: { reason: 'account_disabled' } });
  });

  test('knows a new device: another browser or another address, and not the one before', async () => {
    const proxied = await startWeb(stores, { TRUSTED_PROXIES: '127.0.0.0/8' });
    try {
      const email = newEmail();
      const logIn = async (userAgent: string, address: string, register = false) => {
        const browser = new Browser(proxied.url);
        browser.agent.set('User-Agent', userAgent);
        browser.agent.set('X-Forwarded-For', address);
        expect((await (register ? browser.register(email) : browser.logIn(email))).status).toBe(303);
        await worker.sealing.seal();
        const [event] = await sql<{ type: string; detail: { new?: string } }>(
          `SELECT type, detail FROM audit_event
            WHERE subject_id = (SELECT id FROM user_account WHERE email = $1) ORDER BY seq DESC LIMIT 1`,
          [email],
        );
        return event?.type === 'authn_new_device' ? event.detail.new : event?.type;
      };
      expect(await logIn('first browser', '203.0.113.1', true)).toBe('session_created');
      expect(await logIn('first browser', '203.0.113.1')).toBe('authn_login_success');
      expect(await logIn('second browser', '203.0.113.1')).toBe('browser');
      expect(await logIn('second browser', '203.0.113.2')).toBe('address');
      expect(await logIn('third browser', '2001:db8::1')).toBe('browser and address');
      expect(await logIn('third browser', '2001:DB8:0::1')).toBe('authn_login_success');
    } finally {
      await proxied.close();
    }
  });
});

describe('a hash that was made at another cost', () => {
  const NEW_PASSWORD = 'a wholly new passphrase';
  let cheap: TestProcess;

  beforeAll(async () => {
    cheap = await startWeb(stores, { PASSWORD_HASH_MEMORY_KIB: '8192', PASSWORD_HASH_PASSES: '1' });
  });
  afterAll(() => cheap?.close());

  async function cheapAccount() {
    const email = newEmail();
    const browser = new Browser(cheap.url);
    await browser.register(email);
    return { email, browser };
  }

  const costOf = async (email: string) => {
    const [row] = await sql<{ hash: string }>('SELECT password_hash AS hash FROM user_account WHERE email = $1', [
      email,
    ]);
    return row?.hash.split('$')[3];
  };

  test('is renewed at the next log-in, once, and no log-in beside it is refused', async () => {
    const { email } = await cheapAccount();
    expect(await costOf(email)).toBe('m=8192,t=1,p=1');
    expect((await new Browser(web.url).logIn(email, 'not the password')).status).toBe(401);
    expect(await costOf(email)).toBe('m=8192,t=1,p=1');
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) => new Browser(index % 2 ? web.url : other.url).logIn(email)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 303));
    expect(await costOf(email)).toBe('m=1024,t=1,p=1');
    expect((await new Browser(web.url).logIn(email)).status).toBe(303);
    await worker.sealing.seal();
    const events = await sql(
      `SELECT outcome FROM audit_event WHERE type = 'authn_password_rehashed'
          AND subject_id = (SELECT id FROM user_account WHERE email = $1)`,
      [email],
    );
    expect(events).toEqual([{ outcome: 'success' }]);
  });

  test('never comes back over a password that is changed at the same time', async () => {
    for (let round = 0; round < 3; round += 1) {
      const { email, browser } = await cheapAccount();
      const token = await browser.token('/account/password');
      const [changed] = await Promise.all([
        browser.agent
          .post('/account/password')
          .redirects(0)
          .type('form')
          .send({ _csrf: token, current: PASSWORD, password: NEW_PASSWORD }),
        ...Array.from({ length: 3 }, () => new Browser(web.url).logIn(email)),
      ]);
      expect(changed.status).toBe(303);
      expect((await new Browser(web.url).logIn(email, PASSWORD)).status).toBe(401);
      expect((await new Browser(web.url).logIn(email, NEW_PASSWORD)).status).toBe(303);
    }
  });
});
