// A file of lines that is put aside when it is full: `audit.ndjson`, `audit.ndjson.1` (newer) to `.N` (oldest). Every line of
// it is whole, also after a crash: what was begun is taken back before the next line.
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorOf, type Receiver } from './receiver.ts';

const MOST = { events: 4_000, bytes: 8_000_000 };
const CHUNK = 65_536;
const NEWLINE = 0x0a;

export interface FileTarget {
  readonly kind: 'file';
  readonly path: string;
  /** It is put aside before it grows past this. */
  readonly rotateBytes: number;
  /** How many are kept that were put aside. */
  readonly keep: number;
}

interface Opened {
  readonly handle: FileHandle;
  readonly inode: number;
  size: number;
}

export function openRotatingFile({ path: file, rotateBytes, keep }: FileTarget): Receiver {
  let opened: Opened | null = null;

  async function close(): Promise<void> {
    const closing = opened;
    opened = null;
    await closing?.handle.close().catch(() => undefined);
  }

  /** Another program may have put it aside. */
  async function current(): Promise<Opened> {
    const there = await stat(file).catch(() => null);
    if (opened && there?.ino === opened.inode) return opened;
    await close();
    const handle = await open(file, 'a+', 0o640);
    const { ino, size } = await handle.stat();
    opened = { handle, inode: ino, size };
    const whole = await wholeLines(handle, size);
    if (whole < size) await handle.truncate(whole);
    opened.size = whole;
    if (there === null) await syncFolder(path.dirname(file));
    return opened;
  }

  async function rotate(): Promise<Opened> {
    await close();
    await rm(`${file}.${keep}`, { force: true });
    for (let number = keep - 1; number >= 0; number -= 1) {
      const from = number === 0 ? file : `${file}.${number}`;
      await rename(from, `${file}.${number + 1}`).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
    }
    return current();
  }

  async function append(bytes: Buffer): Promise<void> {
    let to = await current();
    if (to.size > 0 && to.size + bytes.length > rotateBytes) to = await rotate();
    try {
      await to.handle.appendFile(bytes);
      await to.handle.datasync();
      to.size += bytes.length;
    } catch (error) {
      await close(); // what was begun is taken back when it is opened again
      throw error;
    }
  }

  return {
    most: MOST,
    frame: (_, json) => `${json}\n`,
    send: ({ bytes }) =>
      append(bytes).catch((error: unknown) => {
        throw errorOf(error, 'could not be written');
      }),
    close: () => void close(),
  };
}

/** Where the last whole line ends. */
async function wholeLines(handle: FileHandle, size: number): Promise<number> {
  const chunk = Buffer.alloc(CHUNK);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK);
    const { bytesRead } = await handle.read(chunk, 0, end - start, start);
    const at = chunk.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}

/** The name of a new file is as durable as what is in it. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}
