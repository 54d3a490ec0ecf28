// `audit verify`: the log in the database, or an export without one.
import { readFile } from 'node:fs/promises';
import { readPublicKeys } from '../../core/audit/ed25519.ts';
import type { Checkpoint } from '../../core/audit/verification/signed-checkpoint.ts';
import { withPool } from '../connect.ts';
import { UsageError } from '../terminal/errors.ts';
import type { AsJson } from '../terminal/list.ts';
import { withBar } from '../terminal/progress.ts';
import { readCheckpointFiles } from './checkpoint-files.ts';
import { publicKeysOf } from './public-keys.ts';
import { verifyProofFile, witnessKeys } from './verify-proof.ts';
import { reportExport, reportLog } from './verify-report.ts';

interface Options extends AsJson {
  readonly from?: number;
  readonly to?: number;
  readonly checkpoint: readonly string[];
  readonly publicKey: readonly string[];
  readonly file?: string;
  readonly filtered: boolean;
  readonly proof?: string;
  readonly witness: readonly string[];
}

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
  refuseNonsense(options);
  const checkpoints = await readCheckpointFiles(options.checkpoint);
  const witnesses = witnessKeys(options.witness);
  const given = await Promise.all(options.publicKey.map(keyText));
  if (options.proof !== undefined) await verifyProofFile(options.proof, { keys: keysOf(given), witnesses }, options);
  else if (options.file === undefined) reportLog(await verifyLog(options, checkpoints, given), options);
  else reportExport(await verifyExportFile(options.file, options, checkpoints, given), options);
}

function refuseNonsense({ file, filtered, from, to, proof, witness }: Options): void {
  if (proof !== undefined && (file !== undefined || from !== undefined || to !== undefined))
    throw new UsageError('--proof stands alone, with --public-key and --witness.');
  if (proof === undefined && witness.length > 0) throw new UsageError('--witness belongs to --proof.');
  if (file === undefined && filtered) throw new UsageError('--filtered belongs to --file.');
  if (file !== undefined && from !== undefined)
    throw new UsageError('An export begins where it begins: without --from.');
  if (from !== undefined && to !== undefined && from > to) throw new UsageError('--from must not be after --to.');
}

function verifyLog({ from, to }: Options, checkpoints: readonly Checkpoint[], given: readonly string[]) {
  return withPool(async (pool, env) => {
    const [{ createVerification }, { readHead }] = await Promise.all([
      import('../../core/audit/verification/verify-log.ts'),
      import('../../core/audit/event-rows.ts'),
    ]);
    const own = await publicKeysOf(env);
    const { seq } = await readHead(pool);
    if (from !== undefined && from > Math.max(seq, 1))
      throw new UsageError(`The log ends with event ${seq}: there is none from ${from} on.`);
    const keys = keysOf([...given, ...own]);
    return withBar({ doing: 'Verifying', total: 1 }, (onProgress) =>
      createVerification({ database: { pool } }).verify({
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        checkpoints,
        keys,
        onProgress,
      }),
    );
  });
}

async function verifyExportFile(
  file: string,
  { to, filtered }: Options,
  checkpoints: readonly Checkpoint[],
  given: readonly string[],
) {
  const { verifyFile } = await import('./verify-file.ts');
  const about = { checkpoints, keys: keysOf(given), needsSignature: given.length > 0, filtered };
  return verifyFile(file, { ...about, ...(to === undefined ? {} : { to }) });
}

function keysOf(texts: readonly string[]) {
  const keys = readPublicKeys(texts);
  if (keys === null)
    throw new UsageError('--public-key takes an Ed25519 public key, 32 bytes in base64 or PEM, or a file with one.');
  return keys;
}

async function keyText(keyOrFile: string): Promise<string> {
  if (readPublicKeys([keyOrFile]) !== null) return keyOrFile;
  return readFile(keyOrFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new UsageError(`--public-key: ${keyOrFile} is neither a key, 32 bytes in base64 or PEM, nor a file.`);
  });
}
