// `audit verify --file`: an export, without a database.
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { Piscina } from 'piscina';
import { type LineCheckers, verifyExport } from '../../core/audit/verification/exports/verify-export.ts';
import { projectRoot } from '../../core/platform/project-root.ts';
import { withBar } from '../terminal/progress.ts';

/** Threads run what was built, whoever starts them. */
const WORKER = path.join(projectRoot, 'dist/src/cli/audit/verify-worker.js');

type Verified = Parameters<typeof verifyExport>[1];

/** A smaller file is checked here before threads would have started. */
const THREADS_FROM_BYTES = 8 << 20;

/** `-` is standard input. */
export async function verifyFile(
  file: string,
  options: Pick<Verified, 'to' | 'checkpoints' | 'keys' | 'needsSignature' | 'filtered'>,
) {
  const { input, size } = await opened(file);
  const total = Number.isFinite(size) ? size : 0;
  return withBar({ doing: 'Verifying', total, unit: 'bytes' }, (onProgress) =>
    verifyExport(input, { ...options, ...(size < THREADS_FROM_BYTES ? {} : { startWorkers }), onProgress }),
  );
}

/** Standard input is as long as it is. */
async function opened(file: string): Promise<{ input: Readable; size: number }> {
  if (file === '-') return { input: process.stdin, size: Number.POSITIVE_INFINITY };
  const handle = await open(file);
  const stat = await handle.stat();
  if (stat.isDirectory()) {
    await handle.close();
    throw new Error(`${file} is a folder.`);
  }
  return { input: handle.createReadStream({ highWaterMark: 1 << 20 }), size: stat.size };
}

/** A thread a core, each started when first needed. */
function startWorkers(workerData: object): LineCheckers {
  const threads = availableParallelism();
  const pool = new Piscina({ filename: WORKER, workerData, minThreads: 0, maxThreads: threads, idleTimeout: Infinity });
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
