// A file that a command makes: there whole, or not at all.
import { type FileHandle, open, rm } from 'node:fs/promises';

/** Only its owner may read it. What is there already is left alone. Where `work` throws, the file goes again. */
export async function withNewFile(name: string, work: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await created(name);
  try {
    await work(file);
  } catch (error) {
    await rm(name, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

function created(name: string): Promise<FileHandle> {
  return open(name, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new Error(`The folder of ${name} is not there.`) : error;
  });
}
