// Asks a process of its own whether the settings can be used: who supervises others holds no application code.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Before anything starts. Every problem is printed. */
export function settingsAreGood(program: 'up' | 'start'): boolean {
  const cli = fileURLToPath(new URL('../cli/main.js', import.meta.url));
  const { status } = spawnSync(process.execPath, [cli, 'check', program], { stdio: ['ignore', 'ignore', 'inherit'] });
  return status === 0;
}
