// The server that bench login asks: one web process as it is shipped, with accounts to log in to and one that is blocked.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hash } from '@node-rs/argon2';
import { startAttacker } from '../../harness/attacker.ts';
import { query } from '../../harness/query.ts';
import type { TestStores } from '../../harness/stores.ts';
import { readConfig } from '../../src/core/config.ts';
import { projectRoot } from '../../src/core/platform/project-root.ts';
import { freePort } from '../../src/launcher/machine/ports.ts';
import { cpuSeconds, pin, processTree } from '../speed/processes.ts';

const PASSWORD = 'correct horse battery staple';
const BLOCKED = { email: 'blocked@example.org', ip: '203.0.113.1' };

/** `rules` are those of the throttle that differ from the defaults. */
export async function startServer(stores: TestStores, people: number, rules: Readonly<Record<string, string>> = {}) {
  const port = await freePort();
  const env = {
    ...process.env,
    NODE_ENV: 'production',
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    PORT: String(port),
    DATABASE_URL: stores.database.webUrl,
    REDIS_URL: stores.redisUrl,
    SESSION_KEYS: 'a-key-for-the-bench-that-is-long-enough',
    SECRETS_KEYS: 'another-key-for-the-bench-that-is-long',
    TRUSTED_PROXIES: '127.0.0.1',
    LOG_LEVEL: 'warn',
    ...rules,
  };
  const { passwordHashCost: cost } = readConfig(env);
  const options = { algorithm: 2, memoryCost: cost.memoryKib, timeCost: cost.passes, parallelism: cost.lanes };
  const passwordHash = await hash(PASSWORD, options);
  const emails = Array.from({ length: people }, (_, index) => `person-${index}@example.org`);
  await query(
    stores.database.superuserUrl,
    `INSERT INTO user_account (id, email, email_key, password_hash)
     SELECT gen_random_uuid(), e, e, $2 FROM unnest($1::text[]) AS e`,
    [emails, passwordHash],
  );
  const child = fork(path.join(projectRoot, 'dist/src/web/main.js'), { env, stdio: 'inherit' });
  await Promise.race([once(child, 'message'), once(child, 'exit').then(() => Promise.reject(new Error('no server')))]);
  const url = `http://127.0.0.1:${port}`;
  const guess = await startAttacker(url);
  const enter = (index: number) =>
    guess({ email: emails[index] ?? '', password: PASSWORD, ip: `198.18.0.${index + 1}` });
  const session = (await enter(0)).cookies.map((cookie) => cookie.split(';')[0]).join('; ');
  await guess(BLOCKED);

  return {
    url,
    emails,
    guess,
    cookie: session,
    password: PASSWORD,
    passwordHash,
    /** Keeps the web process to its core and everything else here to the others, or lets all run anywhere. */
    pin(where: 'apart' | 'anywhere'): void {
      for (const pid of processTree(process.pid)) {
        pin(pid, where === 'anywhere' ? where : pid === child.pid ? 'server' : 'elsewhere');
      }
    },

    /** So many people log in again and again, each as soon as they are in; and what one costs the web process. */
    async logIns(ms: number, atOnce: number): Promise<{ perSecond: number; cpuMs: number }> {
      const before = cpuSeconds(child.pid ?? 0);
      const startedAt = performance.now();
      let count = 0;
      const one = async (index: number) => {
        while (performance.now() - startedAt < ms) {
          const { status } = await enter(index);
          if (status !== 303) throw new Error(`a log-in was answered with ${status}`);
          count += 1;
        }
      };
      await Promise.all(Array.from({ length: atOnce }, (_, index) => one(index)));
      return {
        perSecond: (1_000 * count) / (performance.now() - startedAt),
        cpuMs: (1_000 * (cpuSeconds(child.pid ?? 0) - before)) / count,
      };
    },

    /** Attempts at a pace that does not wait for answers; each must be refused. */
    async flood(ms: number, perSecond: number): Promise<{ cpuMs: number }> {
      const before = cpuSeconds(child.pid ?? 0);
      const answers = await atPace(ms, perSecond, () => guess(BLOCKED).then(({ status }) => expectRefused(status)));
      return { cpuMs: (1_000 * (cpuSeconds(child.pid ?? 0) - before)) / answers.length };
    },

    async stop(): Promise<void> {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

/** Asks at a pace that does not wait for answers, unless so many are under way; returns them all. */
export async function atPace<Answer>(
  ms: number,
  perSecond: number,
  ask: (sent: number) => Promise<Answer>,
  most = Number.POSITIVE_INFINITY,
): Promise<Answer[]> {
  const startedAt = performance.now();
  const answers: Promise<Answer>[] = [];
  const underWay = new Set<Promise<Answer>>();
  for (let due = 0; performance.now() - startedAt < ms; due += 1) {
    const wait = startedAt + (1_000 * due) / perSecond - performance.now();
    if (wait > 0) await delay(wait);
    if (underWay.size >= most) await Promise.race(underWay);
    const answer = ask(due).finally(() => underWay.delete(answer));
    underWay.add(answer);
    answers.push(answer);
  }
  return Promise.all(answers);
}

function expectRefused(status: number): void {
  if (status !== 429) throw new Error(`an attempt during a block was answered with ${status}`);
}
