// Holds what the pages say against the code: settings, commands, scripts, links, paths and the order of the rooms.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { alertsCommand } from '../../src/cli/alerts.ts';
import { applicationsCommand } from '../../src/cli/applications.ts';
import { auditCommand } from '../../src/cli/audit/command.ts';
import { checkCommand } from '../../src/cli/check.ts';
import { groupCommand } from '../../src/cli/group.ts';
import { importCommand, peopleCommand } from '../../src/cli/import.ts';
import { keysCommand } from '../../src/cli/keys.ts';
import { migrateCommand } from '../../src/cli/migrate.ts';
import { seedCommand } from '../../src/cli/seed.ts';
import { sessionCommand } from '../../src/cli/session.ts';
import { throttleCommand } from '../../src/cli/throttle.ts';
import { tokenCommand } from '../../src/cli/token.ts';
import { userCommand } from '../../src/cli/user.ts';
import { projectRoot } from '../../src/core/platform/project-root.ts';

const read = (file: string) => readFileSync(path.join(projectRoot, file), 'utf8');
const markdownIn = (folder: string) =>
  readdirSync(path.join(projectRoot, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join(folder, name));

const pages = [...markdownIn('.'), ...markdownIn('docs'), ...markdownIn('docs/decisions')];
/** A decision tells of the code as it was then. */
const current = pages.filter((page) => !page.startsWith('docs/decisions') && page !== 'CHANGELOG.md');

const commands = [
  checkCommand,
  migrateCommand,
  userCommand,
  auditCommand,
  alertsCommand,
  sessionCommand,
  throttleCommand,
  tokenCommand,
  groupCommand,
  applicationsCommand,
  keysCommand,
  importCommand,
  peopleCommand,
  seedCommand,
]
  .map((make) => make())
  .flatMap((command) => leavesOf(command, []));

function leavesOf(command: Command, above: readonly string[]): { name: string; options: string[] }[] {
  const words = [...above, command.name()];
  const below = command.commands.flatMap((child) => leavesOf(child, words));
  const runs = below.length === 0 || command.registeredArguments.length > 0;
  const own = { name: words.join(' '), options: command.options.flatMap(({ long }) => long ?? []) };
  return runs ? [...below, own] : below;
}

/** The anchors that GitHub gives the headings of a page. */
function anchorsOf(page: string): Set<string> {
  const headings = [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

describe('the commands', () => {
  const page = read('docs/commands.md');

  test('are those of docs/commands.md, each with an example', () => {
    const shown = [...page.matchAll(/^\| `npm run cli -- ([^`]+)`/gm)].map(([, line = '']) => line);
    const nameOf = (line: string) => commands.find(({ name }) => `${line} `.startsWith(`${name} `))?.name ?? line;
    expect(shown.map(nameOf).sort()).toEqual(commands.map(({ name }) => name).sort());
  });

  test('have all their options there', () => {
    const shown = new Set([...page.matchAll(/--[a-z][a-z-]+/g)].map(([option]) => option));
    for (const option of ['--help', '--version', '--demo']) shown.delete(option); // of all commands; of npm run up
    expect([...shown].sort()).toEqual([...new Set(commands.flatMap(({ options }) => options))].sort());
  });

  test.each(current)('of %s exist', (file) => {
    for (const [, line = ''] of read(file).matchAll(
      /(?:npm run (?:--silent )?cli --|\bholdfast(?= (?:user|audit|session|throttle|seed|check|migrate)\b)|dist\/src\/cli\/main\.js) ([a-z][a-z -]*)/g,
    )) {
      expect(commands.some(({ name }) => `${line} `.startsWith(`${name} `)) ? '' : line).toBe('');
    }
  });
});

test.each(current)('the scripts of %s stand in package.json', (file) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  for (const [, name = ''] of read(file).matchAll(/npm run (?:--silent )?([a-z:]+)/g))
    expect(Object.keys(scripts)).toContain(name);
});

test.each(current)('the benchmarks of %s exist', (file) => {
  for (const [, name = ''] of read(file).matchAll(/npm run bench ([a-z]+)/g)) {
    expect({ name, exists: existsSync(path.join(projectRoot, 'bench', name)) }).toEqual({ name, exists: true });
  }
});

test.each(pages)('the links of %s lead somewhere', (file) => {
  for (const [, link = ''] of read(file).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
    const [target = '', anchor] = link.split('#');
    const page = target === '' ? file : path.join(path.dirname(file), target);
    expect({ link, exists: existsSync(path.join(projectRoot, page)) }).toEqual({ link, exists: true });
    if (anchor !== undefined) expect({ link, known: anchorsOf(page).has(anchor) }).toEqual({ link, known: true });
  }
});

test.each(current)('the source files that %s names exist', (file) => {
  const named = read(file).matchAll(/`((?:src|worker|test|bench|deploy|harness|scripts|prisma|docs)\/[\w./-]+)/g);
  for (const [, name = ''] of named) {
    expect({ name, exists: existsSync(path.join(projectRoot, name)) }).toEqual({ name, exists: true });
  }
});

test('no two decisions have one number', () => {
  const numbers = readdirSync(path.join(projectRoot, 'docs/decisions')).map((name) => name.slice(0, 4));
  expect(numbers.filter((number, index) => numbers.indexOf(number) !== index)).toEqual([]);
});

test('a restore is one transaction: killed, it would leave the log without its triggers, and nobody would see it', () => {
  const restores = current.flatMap((page) => read(page).match(/^.*pg_restore .*$/gm) ?? []);
  expect(restores.length).toBeGreaterThan(1);
  expect(restores.filter((line) => !line.includes('--single-transaction'))).toEqual([]);
});

describe('the tree in docs/architecture.md', () => {
  const tree = /```\nsrc\/core[\s\S]*?```/.exec(read('docs/architecture.md'))?.[0].split('\n').slice(1, -1) ?? [];
  const foldersIn = (folder: string) =>
    readdirSync(path.join(projectRoot, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  const roomsOf = (building: string) => {
    const from = tree.findIndex((line) => line.startsWith(`${building}/`)) + 1;
    const length = tree.slice(from).findIndex((line) => !line.startsWith(' '));
    const lines = tree.slice(from, length === -1 ? undefined : from + length);
    return lines.flatMap((line) => /^ {2}([a-z-]+)\/ /.exec(line)?.[1] ?? []);
  };

  test.each(['src/core', 'src/web'])('has the rooms of %s', (building) => {
    expect(roomsOf(building).sort()).toEqual(foldersIn(building));
  });

  test.each(['src/core', 'src/web'])('has those of %s in the order that the lint rules hold', (building) => {
    const { overrides } = JSON.parse(read('biome.json')) as { overrides: { includes: string[] }[] };
    const ruled = overrides.flatMap(({ includes: [glob = ''] }) =>
      glob.startsWith(`${building}/`) ? (/^[^/]+\/[^/]+\/([a-z-]+)\/\*\*$/.exec(glob)?.[1] ?? []) : [],
    );
    expect(roomsOf(building)).toEqual(ruled);
  });
});
