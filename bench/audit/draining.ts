// How fast one worker sends the log to a local receiver: catching up, and how late it is while events are sealed.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { makeCertificate } from '../../harness/certificate.ts';
import { until } from '../../harness/until.ts';
import { createTextIndex } from '../../src/core/audit/reading/text-index.ts';
import type { Database } from '../../src/core/platform/database.ts';
import { projectRoot } from '../../src/core/platform/project-root.ts';
import { startLog } from './log.ts';

const SEALED_A_SECOND = 2_000;
const EVERY_MS = 50;
const PATIENCE_MS = 300_000;

export interface DrainingSpeed {
  /** Events a second, from the first request to the last event. */
  readonly catchingUp: number;
  /** Milliseconds from sealing to the receiver, while {@link SEALED_A_SECOND} are sealed. */
  readonly lag: { readonly median: number; readonly p99: number; readonly most: number };
  /** Sealed a second meanwhile. */
  readonly sealed: number;
}

export interface DrainingOptions {
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly folder: string;
  readonly events: number;
  readonly seconds: number;
}

export async function measureDraining(options: DrainingOptions): Promise<DrainingSpeed> {
  const { pool, events, seconds } = options;
  const log = await startLog(pool, { events, people: 2_000 });
  await log.growTo(events);
  while ((await createTextIndex({ database: { pool } as unknown as Database }).keepUp()) > 0);
  const receiver = await startReceiver(options.folder);
  const worker = startWorker(options, receiver);
  try {
    await until(() => receiver.last() >= events, PATIENCE_MS);
    const catchingUp = receiver.last() / receiver.seconds();
    await until(async () => receiver.last() >= (await headOf(pool)) && (await waiting(pool)) === 0, PATIENCE_MS);
    receiver.forget();
    const began = performance.now();
    const added = await fill(pool, seconds);
    await until(async () => receiver.last() >= (await headOf(pool)) && (await waiting(pool)) === 0, PATIENCE_MS);
    const sealed = added / ((performance.now() - began) / 1_000);
    const lags = receiver.lags().sort((a, b) => a - b);
    const at = (part: number) => lags[Math.floor((lags.length - 1) * part)] ?? 0;
    if (receiver.gaps() > 0) throw new Error(`${receiver.gaps()} events came out of order, or not at all`);
    return { catchingUp, lag: { median: at(0.5), p99: at(0.99), most: at(1) }, sealed };
  } finally {
    worker.kill('SIGKILL');
    await receiver.close();
  }
}

async function startReceiver(folder: string) {
  const { certificate, key } = await makeCertificate(folder, ['localhost']);
  let [last, gaps, began, ended] = [0, 0, 0, 0];
  const lags: number[] = [];
  const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
    began ||= performance.now();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const now = Date.now();
      ended = performance.now();
      for (const line of Buffer.concat(chunks).toString().split('\n')) {
        const [, sealedAt, seq] = /"sealedAt":"([^"]+)","seq":(\d+),/.exec(line) ?? [];
        if (seq === undefined || sealedAt === undefined) continue;
        if (Number(seq) > last + 1) gaps += Number(seq) - last - 1;
        last = Math.max(last, Number(seq));
        lags.push(now - Date.parse(sealedAt));
      }
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}/`,
    caFile: certificate,
    last: () => last,
    gaps: () => gaps,
    lags: () => lags,
    seconds: () => (ended - began) / 1_000,
    forget: () => void lags.splice(0),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function startWorker(
  { databaseUrl, redisUrl, folder }: DrainingOptions,
  { url, caFile }: { url: string; caFile: string },
): ChildProcess {
  const [secretFile, file] = [path.join(folder, 'secret'), path.join(folder, 'drains.yaml')];
  writeFileSync(secretFile, `whsec_${Buffer.alloc(32, 1).toString('base64')}`);
  writeFileSync(file, JSON.stringify({ drains: [{ name: 'bench', to: url, secretFile, caFile }] }));
  return spawn(process.execPath, [path.join(projectRoot, 'dist/worker/main.js')], {
    env: {
      ...{ PATH: process.env['PATH'], NODE_ENV: 'test', LOG_LEVEL: 'warn', DATABASE_POOL: '10' },
      ...{ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, AUDIT_DRAINS_FILE: file },
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Puts events into the outbox at a steady pace; returns how many. */
async function fill(pool: pg.Pool, seconds: number): Promise<number> {
  const began = performance.now();
  let added = 0;
  while (performance.now() - began < seconds * 1_000) {
    const due = Math.floor(((performance.now() - began) / 1_000) * SEALED_A_SECOND) - added;
    if (due > 0)
      await pool.query(
        `INSERT INTO outbox (event) SELECT jsonb_build_object('type', 'authn_login_fail', 'outcome', 'failure', 'ip', '192.0.2.1',
           'userAgent', 'a browser', 'detail', jsonb_build_object('reason', 'wrong_password')) FROM generate_series(1, $1)`,
        [due],
      );
    added += Math.max(0, due);
    await delay(EVERY_MS);
  }
  return added;
}

const headOf = async (pool: pg.Pool) => number(pool, 'SELECT seq AS n FROM audit_head WHERE id = 1');
const waiting = async (pool: pg.Pool) => number(pool, 'SELECT count(*) AS n FROM outbox');

async function number(pool: pg.Pool, text: string): Promise<number> {
  const { rows } = await pool.query<{ n: string }>(text);
  return Number(rows[0]?.n);
}
