// The words with which a person called this command, to name another one in the same way.

/** `user list` as `npm run cli -- user list`, `holdfast user list` or `node dist/src/cli/main.js user list`. */
export function commandLine(words: string): string {
  if (process.env['npm_lifecycle_event'] === 'cli') return `npm run cli -- ${words}`;
  return `${process.env['HOLDFAST_CALLED_AS'] ?? 'node dist/src/cli/main.js'} ${words}`;
}
