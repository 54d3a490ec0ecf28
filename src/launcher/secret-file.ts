// Small private files of the launcher: written whole or not at all, readable by their owner only.

import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readIfThere } from './process.ts';

/** Writes a file of mode 0600 in one step: a reader sees the old text or the new, never half of it. */
export function writePrivate(file: string, text: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, file);
}

/** The secret kept in this file; a random one (256 bits, base64url) is made and kept on first use. */
export function keptSecret(file: string): string {
  const kept = readIfThere(file)?.trim();
  if (kept) return kept;
  const secret = randomBytes(32).toString('base64url');
  writePrivate(file, `${secret}\n`);
  return secret;
}
