// `audit verify`: the log in the database, or an export without one.
import { once } from 'node:events';
import { createReadStream, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import { type Checkpoint, parseCheckpoints, readPublicKeys } from '../../core/audit/verification/signed-checkpoint.ts';
import { type LineCheckers, verifyExport } from '../../core/audit/verification/verify-export.ts';
import type { VerifyResult } from '../../core/audit/verification/verify-log.ts';
import { withContext } from '../connect.ts';
import { printable } from '../print.ts';
import { startBar } from '../progress.ts';

interface Options {
  readonly from?: number;
  readonly to?: number;
  readonly checkpoint: readonly string[];
  readonly publicKey: readonly string[];
  readonly file?: string;
  readonly filtered: boolean;
}

/** A smaller file is checked here before threads would have started. */
const THREADS_FROM_BYTES = 8 << 20;

/** Exits 1 if something is wrong, and also, saying so, if it ends without a verdict. */
export async function verify(options: Options): Promise<void> {
  process.once('exit', withoutVerdict);
  try {
    await findOut(options);
  } finally {
    process.off('exit', withoutVerdict);
  }
}

function withoutVerdict(): void {
  process.stderr.write('The verification ended without a verdict: nothing is proved.\n');
  process.exitCode = 1;
}

async function findOut(options: Options): Promise<void> {
  if (options.file === undefined && options.filtered) throw new Error('--filtered belongs to --file.');
  if (options.file !== undefined && options.from !== undefined)
    throw new Error('An export begins where it begins: without --from.');
  const checkpoints = await readCheckpointFiles(options.checkpoint);
  const given = await Promise.all(options.publicKey.map(keyText));
  const result =
    options.file === undefined
      ? await verifyLog(options, checkpoints, given)
      : await verifyGivenFile(options.file, options, checkpoints, given);
  report(result, options);
}

function verifyLog({ from, to }: Options, checkpoints: readonly Checkpoint[], given: readonly string[]) {
  return withContext(async ({ verification, config: { audit } }) => {
    const own = audit.signingKey ? [audit.signingKey.publicText] : [];
    const bar = startBar('Verifying', 1);
    const result = await verification.verify({
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      checkpoints,
      keys: keysOf([...given, ...audit.publicKeys, ...own]),
      onProgress: bar.update,
    });
    bar.stop();
    return result;
  });
}

async function verifyGivenFile(
  file: string,
  { to, filtered }: Options,
  checkpoints: readonly Checkpoint[],
  given: readonly string[],
) {
  const input = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 1 << 20 });
  const size = file === '-' ? Number.POSITIVE_INFINITY : statSync(file).size;
  const bar = startBar('Verifying', Number.isFinite(size) ? size : 0, 'bytes');
  const result = await verifyExport(input, {
    ...(to === undefined ? {} : { to }),
    ...(size < THREADS_FROM_BYTES ? {} : { startWorkers }),
    checkpoints,
    keys: keysOf(given),
    filtered,
    onProgress: bar.update,
  });
  bar.stop();
  return result;
}

/** A thread a core, each started when first needed. */
function startWorkers(workerData: object): LineCheckers {
  const threads = availableParallelism();
  const filename = new URL('./verify-worker.js', import.meta.url).href;
  const pool = new Piscina({ filename, workerData, minThreads: 0, maxThreads: threads, idleTimeout: Infinity });
  let loaded = 0;
  pool.on('workerCreate', () => {
    loaded += 1;
  });
  return {
    ahead: 2 * threads,
    check: (bytes) => {
      // Transferred, not copied; a small buffer shares its memory.
      const own = bytes.length === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
      return pool.run(own, { transferList: [own.buffer] });
    },
    async stop() {
      // Node aborts if a thread ends while it loads its modules.
      while (loaded < pool.threads.length) await once(pool, 'workerCreate');
      await pool.destroy();
    },
  };
}

function keysOf(texts: readonly string[]) {
  const keys = readPublicKeys(texts);
  if (keys === null)
    throw new Error('--public-key takes an Ed25519 public key, 32 bytes in base64 or PEM, or a file with one.');
  return keys;
}

async function keyText(keyOrFile: string): Promise<string> {
  return /^[\w+/-]{43}=?$/.test(keyOrFile) ? keyOrFile : await readFile(keyOrFile, 'utf8');
}

async function readCheckpointFiles(files: readonly string[]): Promise<Checkpoint[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return texts.flatMap((text, index) => {
    try {
      return parseCheckpoints(text);
    } catch (error) {
      throw new Error(`${files[index]}: ${(error as Error).message}`);
    }
  });
}

function report(result: VerifyResult, { file, filtered }: Options): void {
  const what = file === undefined ? 'log' : 'export';
  if (!result.intact) {
    process.stdout.write(`The ${what} is NOT intact: ${printable(result.problem)}.\n`);
    process.exitCode = 1;
    return;
  }
  const { count, pieces, first, seq, erased, confirmed, checkpoints, unproved, accepted } = result;
  const say = (text: string) => process.stdout.write(`${text}\n`);
  if (filtered && pieces > 1) {
    say(`No event in the export was altered: ${count} events, each as its hash says, in ${pieces} unbroken pieces.`);
    say('Between the pieces events are left out; that none is missing there, only the log itself can show.');
  } else say(`The ${what} is intact: ${count} events, none altered, missing or inserted.`);
  if (first > 1) say(`It begins with event ${first}.`);
  if (erased > 0) say(`Of ${erased} events the address and the browser were erased.`);
  if (confirmed > 0) say(`The last of ${checkpoints} checkpoints in it names event ${confirmed} of ${seq}.`);
  if (file !== undefined && confirmed === 0)
    say('No checkpoint names an event of it: whoever made the file could have made the hashes too.');
  if (accepted > 0) say(`${accepted} older checkpoints don't count: a loss was accepted (sys_audit_loss_accepted).`);
  if (unproved > 0)
    say(
      `Of ${checkpoints} checkpoints ${unproved} prove nothing: no known key made them. Give theirs with --public-key.`,
    );
}
