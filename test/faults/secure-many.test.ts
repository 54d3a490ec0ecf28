// The worker dies in the middle of an order to secure accounts: the next one goes on where it was, and each account is secured
// once.
import { expect, test } from '@jest/globals';
import pg from 'pg';
import { until } from '../../harness/until.ts';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { EVERY_EVENT } from '../../src/core/audit/reading/query.ts';
import { startWorkerProcess } from '../support/worker-process.ts';
import { world } from '../support/world.ts';

const { web, stores, sql, newMember, atEnd } = await world();
const COUNT = 12;

const start = () => {
  const worker = startWorkerProcess(stores);
  atEnd(async () => {
    worker.process.kill('SIGKILL');
    await worker.exited;
  });
  return worker;
};

test('a worker that is killed in the middle leaves the rest to the next one', async () => {
  const people = await Promise.all(Array.from({ length: COUNT }, () => newMember()));
  const ids = people.map(({ id }) => id).sort();
  // Somebody holds one of them, so that the worker stands in the middle of the list.
  const holder = new pg.Client(stores.database.superuserUrl);
  await holder.connect();
  atEnd(() => holder.end());
  await holder.query('BEGIN');
  await holder.query('SELECT FROM user_account WHERE id = $1 FOR UPDATE', [ids[COUNT / 2]]);
  const { secureMany } = web.context;
  const accounts = people.map(({ id, email }) => ({ id, email, operator: false }));
  const by = { actor: null, origin: NO_ORIGIN, reason: 'a test' };
  const order = await secureMany.ask({ accounts, filter: EVERY_EVENT, by });

  const first = start();
  await until(async () => (await secureMany.progress(order))?.secured === COUNT / 2);
  first.process.kill('SIGKILL');
  await first.exited;
  expect(await secureMany.progress(order)).toMatchObject({ secured: COUNT / 2, doneAt: null });
  await holder.query('ROLLBACK');

  start();
  await until(async () => (await secureMany.progress(order))?.doneAt != null);
  const secured = `SELECT subject_id FROM audit_event WHERE type = 'user_secured' ORDER BY subject_id`;
  await until(async () => (await sql(`SELECT FROM audit_event WHERE type = 'users_secured'`)).length === 1);
  expect(await sql(secured)).toEqual(ids.map((id) => ({ subject_id: id })));
  const mails = await sql(`SELECT user_id FROM mail WHERE template = 'account-secured' ORDER BY user_id`);
  expect(mails).toEqual(ids.map((id) => ({ user_id: id })));
  expect(await Promise.all(people.map(({ browser }) => browser.profile()))).toEqual(people.map(() => 303));
});
