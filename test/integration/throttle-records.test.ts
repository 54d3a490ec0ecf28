// What the throttle leaves behind, and what operators see of it and can lift.
import { describe, expect, jest, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { Browser, newEmail, PASSWORD } from '../support/app.ts';
import { attackedWorld, newClient, statuses } from '../support/attacked-world.ts';

const { web, worker, redis, sql, guess, fail } = await attackedWorld();

describe('the records', () => {
  test('fold a flood of refused attempts into one block and its count', async () => {
    await worker.sealing.seal();
    await worker.blocks.fold();
    const target = { account: 'flooded', ip: newClient(), deviceId: null };
    const before = await counts();
    const email = newEmail();
    const ip = newClient();
    await fail(email, 5, ip);
    const [block] = await redis.keys(`hf:t:b:ac:*:${ip}`);
    target.ip = ip;
    target.account = block?.split(':')[4] ?? '';
    const total = Number(process.env['FLOOD'] ?? 2_000);
    const startedAt = performance.now();
    const cpu = process.cpuUsage();
    for (let done = 0; done < total; done += 500) {
      const batch = await Promise.all(Array.from({ length: 500 }, () => web.context.throttle.takeLogin(target)));
      if (done === 0) expect(batch.some(({ ok }) => ok)).toBe(false);
    }
    const used = process.cpuUsage(cpu);
    const ms = performance.now() - startedAt;
    process.stderr.write(
      `${total} refused: ${Math.round(ms)} ms, ${((used.user + used.system) / 1_000 / total).toFixed(4)} ms of CPU each\n`,
    );
    await worker.sealing.seal();
    await worker.blocks.fold();
    await worker.blocks.fold();
    const after = await counts();
    expect(after.attempts - before.attempts).toBe(5);
    expect(after.events - before.events).toBe(6);
    expect(after.refusals - before.refusals).toBeLessThanOrEqual(2);
    const [row] = await sql<{ refused: string; failures: number; scope: string }>(
      'SELECT refused, failures, scope FROM throttle_block WHERE host(ip) = $1',
      [ip],
    );
    expect(row).toEqual({ refused: String(total), failures: 5, scope: 'account_client' });
  });

  test('count each of a flood that asks Redis now and then, which a lifted block lets through at once', async () => {
    const [email, ip] = [newEmail(), newClient()];
    await fail(email, 5, ip);
    const { passwordLogin, redis: client, blocks } = web.context;
    const origin = { ip, userAgent: null, requestId: null };
    const visit = { previousSessionId: null, remember: false, origin, deviceCookie: '' };
    const logIn = () => passwordLogin.logIn({ ...visit, email, password: 'a wrong guess' });
    const asked = jest.spyOn(client, 'hfThrottleTake');
    const total = 400;
    for (let sent = 0; sent < total; sent += 1) {
      const refused = { ok: false, reason: 'throttled', retryAfterMs: expect.any(Number) };
      expect(await logIn()).toEqual(refused);
    }
    expect(asked.mock.calls.length).toBeLessThan(total / 2);
    asked.mockRestore();
    await worker.sealing.seal();
    await worker.blocks.fold();
    const [block] = await sql<{ id: string; refused: string }>(
      'SELECT id, refused FROM throttle_block WHERE host(ip) = $1',
      [ip],
    );
    expect(block?.refused).toBe(String(total));
    for (let sent = 0; sent < 20; sent += 1) await logIn();
    expect(await blocks.lift(block?.id ?? '', { actor: null, reason: 'a drill', origin: NO_ORIGIN })).toBe(true);
    expect(await logIn()).toEqual({ ok: false, reason: 'wrong_credentials' });
  });

  async function counts() {
    const [row] = await sql<{ attempts: number; events: number; refusals: number }>(
      `SELECT (SELECT count(*)::int FROM login_attempt) AS attempts, (SELECT count(*)::int FROM audit_event) AS events,
              (SELECT count(*)::int FROM throttle_refusal) AS refusals`,
    );
    if (!row) throw new Error('no counts');
    return row;
  }

  test('tell when a block ran out, and how many it refused', async () => {
    const ip = newClient();
    await fail(newEmail(), 8, ip);
    await worker.sealing.seal();
    await worker.blocks.fold();
    await sql("UPDATE throttle_block SET until_at = until_at - interval '1 hour' WHERE host(ip) = $1", [ip]);
    await worker.blocks.fold();
    await worker.sealing.seal();
    const [block] = await sql('SELECT refused, end_reason FROM throttle_block WHERE host(ip) = $1', [ip]);
    expect(block).toEqual({ refused: '3', end_reason: 'expired' });
    const ended = await sql("SELECT detail FROM audit_event WHERE type = 'throttle_block_ended' AND host(ip) = $1", [
      ip,
    ]);
    expect(ended).toMatchObject([{ detail: { refused: 3, scope: 'account_client' } }]);
  });

  test('name sprayers and stuffers once', async () => {
    const ip = newClient();
    for (let count = 0; count < 15; count += 1) await guess({ email: newEmail(), ip });
    await sql(`INSERT INTO login_attempt (id, occurred_at, identifier_hash, ip, outcome)
               SELECT gen_random_uuid(), now(), decode(md5(n::text), 'hex'), ('198.19.0.' || n)::inet, 'failure'
                 FROM generate_series(1, 60) AS n`);
    await worker.sealing.seal();
    await worker.attackDetection.watch();
    await worker.attackDetection.watch();
    await worker.sealing.seal();
    await worker.attackDetection.watch();
    await worker.sealing.seal();
    const spraying = await sql(
      "SELECT detail FROM audit_event WHERE type = 'authn_password_spraying' AND host(ip) = $1",
      [ip],
    );
    expect(spraying).toEqual([{ detail: { accounts: 15 } }]);
    expect(await sql("SELECT 1 FROM audit_event WHERE type = 'authn_credential_stuffing'")).toHaveLength(1);
  });
});

describe('an operator', () => {
  test('sees attempts and blocks, filters them, and lifts a block with a reason, for good', async () => {
    const [owner, boss] = [newEmail(), newEmail()];
    await new Browser(web.url).register(owner);
    const operator = new Browser(web.url);
    await operator.register(boss);
    await sql("UPDATE user_account SET role = 'operator' WHERE email = $1", [boss]);
    await operator.logOut();
    await operator.logIn(boss);
    const ip = newClient();
    await fail(owner, 6, ip);
    await worker.sealing.seal();
    await worker.blocks.fold();

    const attempts = await operator.get(`/operator/attempts?address=${ip}&outcome=failure&person=${owner}`);
    expect(attempts.status).toBe(200);
    expect(attempts.text.match(/<tr role="row" tabindex/g)).toHaveLength(5);
    expect(attempts.text).toContain('wrong password');
    expect(attempts.text).toContain('<rect class="failures"');
    expect((await operator.get('/operator/attempts?address=nonsense')).status).toBe(422);

    const [block] = await sql<{ id: string }>('SELECT id FROM throttle_block WHERE host(ip) = $1', [ip]);
    const lift = `/operator/blocks/${block?.id}/lift`;
    expect((await operator.get('/operator/blocks')).text).toContain(lift);
    expect((await operator.submit(lift, { reason: ' ' }, '/operator/blocks')).status).toBe(422);
    expect((await operator.submit(lift, { reason: 'they called us' }, '/operator/blocks')).status).toBe(303);
    expect((await operator.submit(lift, { reason: 'again' }, '/operator/blocks')).status).toBe(404);
    await redis.flushdb();
    expect(statuses(await fail(owner, 4, ip))).toEqual([401, 401, 401, 401]);
    expect((await guess({ email: owner, ip, password: PASSWORD })).status).toBe(303);
    const page = await operator.get('/operator/blocks');
    expect(page.text).toContain(`lifted by ${boss}: they called us`);
    await worker.sealing.seal();
    const lifted = `SELECT detail FROM audit_event WHERE type = 'throttle_block_lifted' AND detail->>'block' = $1`;
    expect(await sql(lifted, [block?.id])).toMatchObject([
      { detail: { reason: 'they called us', scope: 'account_client' } },
    ]);
  });

  test('alone may', async () => {
    const member = new Browser(web.url);
    await member.register(newEmail());
    expect((await member.get('/operator/attempts')).status).toBe(403);
    expect((await member.get('/operator/blocks')).status).toBe(403);
  });
});
