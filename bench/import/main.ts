// `npm run bench import`: how fast `import` takes people over, and in how much memory, from ten thousand to a million. Prints the
// figures and writes them into docs/moving.md; `-- --short` stops at a hundred thousand and writes nothing.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { startOwnServers } from '../../harness/own-servers.ts';
import { query } from '../../harness/query.ts';
import { circumstances, table, writeInto } from '../report.ts';

const { values } = parseArgs({ options: { short: { type: 'boolean' } } });
const SIZES = values.short ? [10_000, 100_000] : [10_000, 100_000, 1_000_000];
const AIM_PER_SECOND = 15_000;
const AIM_MIB = 30;
const LETTERS = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

interface Measured {
  readonly people: number;
  readonly perSecond: number;
  readonly again: number;
  readonly peakMib: number;
}

const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-import-'));
try {
  const measured: Measured[] = [];
  for (const people of SIZES) measured.push(await measure(people));
  report(measured);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure(people: number): Promise<Measured> {
  const servers = await startOwnServers();
  try {
    const file = path.join(folder, 'people.ndjson');
    await pipeline(lines(people), createWriteStream(file));
    const env = { PATH: process.env['PATH'], DATABASE_URL: servers.database.webUrl, REDIS_URL: servers.redisUrl };
    const first = await importFile(file, env);
    const second = await importFile(file, env);
    const text = 'SELECT count(*)::int AS accounts FROM user_account JOIN imported_password ON user_id = id';
    const [row] = await query<{ accounts: number }>(servers.database.superuserUrl, text);
    const [events] = await query<{ events: number }>(
      servers.database.superuserUrl,
      'SELECT count(*)::int AS events FROM outbox',
    );
    if (row?.accounts !== people || (events?.events ?? 0) <= people)
      throw new Error(`${row?.accounts} of ${people} were imported`);
    const result = {
      people,
      perSecond: people / first.seconds,
      again: people / second.seconds,
      peakMib: first.peakMib,
    };
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return result;
  } finally {
    await servers.close();
  }
}

/** A people's table's worth of made-up hashes: nobody knows their passwords. */
function* lines(people: number): Generator<string> {
  for (let number = 0; number < people; number += 1) {
    const hash = Array.from(
      { length: 53 },
      (_, at) => LETTERS[(number * 31 + at * 17 + (number >> (at % 20))) % 64],
    ).join('');
    const person = {
      externalId: String(number),
      email: `person${number}@example.org`,
      password_hash: `$2b$10$${hash}`,
    };
    yield `${JSON.stringify(person)}\n`;
  }
}

/** The command as it is shipped, from its start to its end. The peak is Linux's own, of its resident memory. */
async function importFile(file: string, env: NodeJS.ProcessEnv): Promise<{ seconds: number; peakMib: number }> {
  const began = performance.now();
  const child = spawn(process.execPath, ['dist/src/cli/main.js', 'import', file, '--reason', 'a measurement'], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  let peakMib = 0;
  const look = setInterval(() => {
    try {
      const [, kib] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
      peakMib = Math.max(peakMib, Number(kib ?? 0) / 1_024);
    } catch {
      // it has ended
    }
  }, 50);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(look);
  if (code !== 0) throw new Error(`import ended with ${code}`);
  return { seconds: (performance.now() - began) / 1_000, peakMib };
}

function report(measured: readonly Measured[]): void {
  const whole = (value: number) => Math.round(value).toLocaleString('en');
  const rows = measured.map(({ people, perSecond, again, peakMib }) => [
    whole(people),
    whole(perSecond),
    whole(again),
    whole(peakMib),
  ]);
  const text = `${circumstances()}\n\n${table(['people', 'people/s', 'people/s, the same file again', 'memory at most, MiB'], rows)}`;
  process.stdout.write(`${text}\n`);
  const [least, most] = [measured[0], measured.at(-1)];
  if (!values.short) writeInto('docs/moving.md', 'import', text);
  if ((most?.perSecond ?? 0) < AIM_PER_SECOND || (most?.peakMib ?? 0) - (least?.peakMib ?? 0) > AIM_MIB)
    process.exitCode = 1;
}
