// PostgreSQL has gone back in time, as after a failover to a standby that lacked the last second: Redis knows sessions that it
// has not, and it takes ended ones for live. DESIGN: the row "PostgreSQL fails over and lost its last second". The loss is made
// here as it looks afterwards: rows that are gone, rows as they were before, the head of the log set back.
import { beforeEach, expect, test } from '@jest/globals';
import { until } from '../../harness/until.ts';
import { handlers } from '../../worker/handlers.ts';
import type { Browser } from '../support/app.ts';
import { setSeen } from '../support/copies.ts';
import { type Person, world } from '../support/world.ts';

const { web, other, worker, sql, tamper, redis, newMember } = await world({ webs: 2, worker: true });
const processes = [web.context, other.context, worker];

let stays: Person;

beforeEach(async () => {
  stays = await newMember();
});

function cookieOf({ agent }: Browser): string {
  const jar = agent.jar.getCookies({ domain: '127.0.0.1', path: '/', secure: false, script: false });
  return [...jar].map((one) => `${one.name}=${one.value}`).join('; ');
}

async function status(cookie: string, on = web): Promise<number> {
  const answer = await fetch(`${on.url}/profile`, { headers: { cookie }, redirect: 'manual' });
  await answer.arrayBuffer();
  return answer.status;
}

const statuses = async (cookie: string) => [await status(cookie), await status(cookie, other)];
const keyOf = async (userId: string) => {
  const [row] = await sql<{ token_hash: Buffer }>('SELECT token_hash FROM session WHERE user_id = $1', [userId]);
  return `hf:s:${row?.token_hash.toString('base64url')}`;
};
const known = (standing: boolean) =>
  until(() => processes.every(({ sessionCache }) => sessionCache.rewound.stands() === standing));
const events = (type: string) =>
  sql(`SELECT FROM outbox WHERE event->>'type' = $1 UNION ALL SELECT FROM audit_event WHERE type = $1`, [type]);

/** The log and the endings in it, as they were at event `seq`. */
const setBack = (seq: number) =>
  tamper(`DELETE FROM audit_event WHERE seq > ${seq}; DELETE FROM outbox;
    UPDATE audit_head SET ending_seq = 0, (seq, summary_seq, hash) = (SELECT seq, seq, hash FROM audit_event WHERE seq = ${seq})`);

test('a session that was used and has no row ends, in every process', async () => {
  const ghost = await newMember();
  const cookie = cookieOf(ghost.browser);
  const key = await keyOf(ghost.id);
  await tamper(`DELETE FROM session WHERE user_id = '${ghost.id}'`);
  expect(await statuses(cookie)).toEqual([200, 200]); // its copy
  await setSeen(redis, key, Date.now() - 5 * 60_000); // seen five minutes ago: the next visit is noted
  await status(cookie);
  await until(async () => (await redis.zcard('hf:touched')) > 0);
  await handlers['flush-touches'](worker, {});
  expect(await statuses(cookie)).toEqual([303, 303]);
  expect(await stays.browser.profile()).toBe(200);
  await known(true);
  expect(await events('sys_database_rewound')).toHaveLength(1);
  const { body } = await stays.browser.get('/readyz');
  expect(body).toEqual({ status: 'ok', note: 'PostgreSQL has gone back in time' });
  expect((await web.context.readOverview()).rewound).toBe(true);
  expect(await web.context.acceptRewind('a test')).toBe(0);
  await known(false);
});

test('a mark above PostgreSQL’s: tombstones stay, ghosts go, and what is accepted is ended again', async () => {
  const [leaves, ghost] = [await newMember(), await newMember()];
  const [left, unreal] = [cookieOf(leaves.browser), cookieOf(ghost.browser)];
  await worker.sealing.seal();
  const [before] = await sql<{ seq: string }>('SELECT seq FROM audit_head');
  const key = await keyOf(leaves.id);
  expect((await leaves.browser.logOut()).status).toBe(303);
  await worker.sealing.seal();
  expect(Number(await redis.get('hf:endings'))).toBeGreaterThan(Number(before?.seq));
  expect(await redis.pttl(key)).toBeLessThanOrEqual(600_000);
  await setBack(Number(before?.seq));
  await tamper(`DELETE FROM session WHERE user_id = '${ghost.id}';
    UPDATE session SET ended_at = NULL, end_reason = NULL, ending_seq = NULL WHERE user_id = '${leaves.id}'`);

  await known(true);
  await until(async () => (await redis.pttl(key)) > 6 * 86_400_000); // as long as the row could be taken for live
  await until(async () => (await status(unreal)) === 303);
  expect([...(await statuses(left)), ...(await statuses(unreal))]).toEqual([303, 303, 303, 303]);
  expect(await stays.browser.profile()).toBe(200);
  expect(await events('sys_database_rewound')).toHaveLength(2); // the other was of the test before

  expect(await web.context.acceptRewind('the standby lacked a second')).toBe(1);
  await known(false);
  const rows = await sql('SELECT end_reason FROM session WHERE user_id = $1', [leaves.id]);
  expect(rows).toEqual([{ end_reason: 'logged_out' }]);
  expect(await events('sys_database_loss_accepted')).toHaveLength(2);
  expect(await web.context.acceptRewind('again')).toBeNull();

  // From here on the mark follows PostgreSQL again, and a Redis that lost writes is told what it missed.
  await worker.sealing.seal();
  const next = await newMember();
  await next.browser.logOut();
  await worker.sealing.seal();
  const [head] = await sql<{ ending_seq: string }>('SELECT ending_seq FROM audit_head');
  await until(async () => (await redis.get('hf:endings')) === head?.ending_seq);
  expect(await statuses(left)).toEqual([303, 303]);
  expect(await stays.browser.profile()).toBe(200);
});
