// Checkpoints that were kept elsewhere, a line of JSON each.
import { readFile } from 'node:fs/promises';
import { type Checkpoint, parseCheckpoints } from '../../core/audit/verification/signed-checkpoint.ts';

/** Throws where a file can't be read, and names the line that holds none. */
export async function readCheckpointFiles(files: readonly string[]): Promise<Checkpoint[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return texts.flatMap((text, index) => {
    try {
      return parseCheckpoints(text);
    } catch (error) {
      throw new Error(`${files[index]}: ${(error as Error).message}`);
    }
  });
}
