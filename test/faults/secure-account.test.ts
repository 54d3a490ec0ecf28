// Securing an account while a store is away: without PostgreSQL nothing of it is done, and without Redis all of it.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type OwnServers, startOwnServers } from '../../harness/own-servers.ts';
import { query } from '../../harness/query.ts';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { Browser, newEmail, startWeb, type TestProcess, waitForStores } from '../support/app.ts';
import { OUT_WITHIN_MS } from '../support/shared-out.ts';

let servers: OwnServers;
let web: TestProcess;
let other: TestProcess;

beforeAll(async () => {
  servers = await startOwnServers();
  [web, other] = await Promise.all([startWeb(servers), startWeb(servers)]);
});

afterAll(async () => {
  await Promise.all([web?.close(), other?.close()]);
  await servers?.close();
});

async function registered(on: TestProcess) {
  const [browser, email] = [new Browser(on.url), newEmail()];
  expect((await browser.register(email)).status).toBe(303);
  return { browser, email, id: (await web.context.users.findByEmail(email))?.id ?? '' };
}

async function newOperator() {
  const person = await registered(web);
  await web.context.users.setRole(person.id, 'operator', { actor: null, origin: NO_ORIGIN });
  await person.browser.logIn(person.email);
  return person;
}

const stateOf = (id: string) =>
  query(
    servers.database.superuserUrl,
    `SELECT password_hash, version, (SELECT count(*) FROM mail WHERE user_id = u.id)::int AS mails,
            (SELECT count(*) FROM session WHERE user_id = u.id AND ended_at IS NULL)::int AS live,
            (SELECT count(*) FROM known_device WHERE user_id = u.id AND revoked_at IS NULL)::int AS known
       FROM user_account AS u WHERE id = $1`,
    [id],
  );

test('PostgreSQL is away: the answer says so, nothing is done, and later all of it is', async () => {
  const [chief, person] = [await newOperator(), await registered(other)];
  const path = `/operator/users/${person.id}/secure`;
  const token = await chief.browser.token(path);
  const before = await stateOf(person.id);
  const send = () => chief.browser.agent.post(path).redirects(0).type('form').send({ reason: 'a drill', _csrf: token });
  await servers.postgres().kill();
  expect((await send()).status).toBe(503);
  expect(await person.browser.profile()).toBe(200);
  await servers.startPostgresAgain();
  await Promise.all([waitForStores(web.context), waitForStores(other.context)]);
  expect(await stateOf(person.id)).toEqual(before);
  await until(async () => (await send()).status === 303);
  await until(async () => (await person.browser.profile()) === 303, OUT_WITHIN_MS);
  await until(async () => (await new Browser(other.url).logIn(person.email)).status === 401);
});

test('Redis is away: every session ends at once, in every process, and stays ended when it is back', async () => {
  const [chief, person] = [await newOperator(), await registered(other)];
  const path = `/operator/users/${person.id}/secure`;
  await servers.redis().kill();
  expect((await chief.browser.submit(path, { reason: 'a drill' })).status).toBe(303);
  expect(await person.browser.profile()).toBe(303);
  await servers.startRedisAgain();
  await Promise.all([waitForStores(web.context), waitForStores(other.context)]);
  expect(await person.browser.profile()).toBe(303);
  expect(await stateOf(person.id)).toMatchObject([{ live: 0, known: 0 }]);
});
