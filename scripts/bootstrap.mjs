// What the npm scripts start with: brings the packages, the Prisma client and dist/ up to date, then runs the command.
// Does nothing when nothing changed and leaves nothing half made when it is interrupted; two at once wait for each other.
// Needs nothing but Node. A mark beside each result holds the hash of what it was made from.

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const commands = {
  up: ['dist/src/launcher/main.js'],
  down: ['dist/src/launcher/down.js'],
  dev: ['scripts/dev.mjs'],
  reload: ['dist/src/launcher/reload.js'],
  start: ['dist/src/supervisor/main.js'],
  cli: ['dist/src/cli/main.js'],
  test: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'],
  build: undefined,
};

/** Builds whose chunks stay: a process of an older one may run on while others fail to start, and load then what it left out. */
const BUILDS_KEPT = 5;

/** In the order in which they are made. */
const results = [
  { mark: 'node_modules/.holdfast-lock', from: ['package-lock.json'], make: installPackages },
  {
    mark: 'src/generated/.holdfast-schema',
    from: ['prisma/schema.prisma', 'node_modules/.holdfast-lock'],
    make: generateClient,
  },
  {
    mark: 'dist/.holdfast-build',
    from: [
      'src',
      'worker',
      'tsconfig.json',
      'tsconfig.build.json',
      'scripts/bundle.mjs',
      'node_modules/.holdfast-lock',
    ],
    make: build,
  },
];

/** The child that runs now; it gets the signals that we get. */
let child;
let interruptedBy;
/** Then a signal is the command's own affair. */
let runsHere = false;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];

async function main([command, ...args]) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Error(`Holdfast needs Node.js 20.19 or newer; this is ${process.versions.node}. See https://nodejs.org/`);
  }
  if (!Object.hasOwn(commands, command)) {
    throw new Error(`usage: node scripts/bootstrap.mjs ${Object.keys(commands).join('|')} [args]`);
  }
  process.chdir(path.dirname(import.meta.dirname));
  const isBuilt = command === 'down' && existsSync(commands.down[0]); // what runs is stopped, whatever the code is by now
  if (!isBuilt && !results.every(isCurrent)) await alone(bringUpToDate);
  if (command === 'cli') await runHere(commands.cli[0], args);
  else if (commands[command]) await runCommand([...commands[command], ...args]);
}

async function bringUpToDate() {
  for (const result of results) {
    if (isCurrent(result)) continue;
    const hash = hashOf(result.from);
    await result.make();
    writeFileSync(result.mark, hash);
  }
}

function isCurrent({ mark, from }) {
  return read(mark) === hashOf(from);
}

async function installPackages() {
  if (installedByHand()) return;
  say('installing the packages (npm ci; up to a minute)');
  const npm = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
  await step('npm ci failed: run the same command again.', [
    ...npm,
    'ci',
    '--include=dev',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]);
}

/** Whether an `npm ci` by hand, with or without the development packages, left what the lock file says. */
function installedByHand() {
  const [wanted = {}, found] = ['package-lock.json', 'node_modules/.package-lock.json'].map(
    (file) => JSON.parse(read(file) ?? '{}').packages,
  );
  if (!found) return false;
  const withDev = Object.keys(found).some((name) => wanted[name]?.dev);
  const agrees = ([name, { version, integrity, link, optional, devOptional, dev }]) => {
    const is = found[name];
    if (is) return is.version === version && is.integrity === integrity;
    return name === '' || link || optional || devOptional || (dev && !withDev);
  };
  return Object.keys(found).every((name) => name in wanted) && Object.entries(wanted).every(agrees);
}

async function generateClient() {
  say('generating the database client');
  // Generating never runs the schema engine, but wants to see one; the real one can't be downloaded everywhere.
  const env = { CHECKPOINT_DISABLE: '1', PRISMA_SCHEMA_ENGINE_BINARY: process.execPath };
  await step('prisma generate failed.', [process.execPath, installed('prisma/build/index.js'), 'generate'], env);
}

/** Compiles into a draft that takes the place of dist/ when it is complete, so that nothing stale or half built is run. */
async function build() {
  say('compiling');
  for (const name of readdirSync('.')) {
    if (name.startsWith('.dist-')) rmSync(name, { recursive: true, force: true }); // of a build that was killed
  }
  const [draft, old] = [`.dist-${process.pid}`, `.dist-${process.pid}-old`];
  try {
    const args = [installed('typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--outDir', draft];
    await step('The code does not compile; dist/ is as it was.', [process.execPath, ...args]);
    await step("The code can't be bundled; dist/ is as it was.", [
      process.execPath,
      'scripts/bundle.mjs',
      draft,
      `chunks/${Date.now()}`,
    ]);
    const before = existsSync('dist/chunks') ? readdirSync('dist/chunks').sort().slice(-BUILDS_KEPT) : [];
    for (const name of before) cpSync(`dist/chunks/${name}`, `${draft}/chunks/${name}`, { recursive: true });
    if (existsSync('dist')) renameSync('dist', old);
    renameSync(draft, 'dist');
  } finally {
    for (const name of [draft, old]) rmSync(name, { recursive: true, force: true });
  }
}

function installed(script) {
  const file = `node_modules/${script}`;
  if (existsSync(file)) return file;
  throw new Error(`The code is newer than dist/, and ${file} is not there to build it. Run: npm ci --include=dev`);
}

/** One step of the preparation. What it prints is shown if it fails. */
async function step(failure, [command, ...args], env = {}) {
  child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve) =>
    child.on('error', resolve).on('close', (...end) => resolve(end[0] ?? end[1])),
  );
  child = undefined;
  endIfInterrupted();
  if (code !== 0) throw new Error(`${failure}\n${output.trim() || code}`);
}

/** Runs the command as if in our place: its terminal, its signals, its exit code, and its end if we are killed. */
async function runCommand(args) {
  endIfInterrupted();
  const bind = ['--pdeathsig', 'TERM'];
  const bindable = spawnSync('setpriv', [...bind, 'true'], { stdio: 'ignore' }).status === 0;
  const [command, ...rest] = [...(bindable ? ['setpriv', ...bind] : []), process.execPath, ...args];
  child = spawn(command, rest, { stdio: 'inherit' });
  child.once('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
}

/** Runs a short command in this process: another one would take as long to start as the command takes. */
async function runHere(script, args) {
  endIfInterrupted();
  for (const signal of signals) process.removeAllListeners(signal);
  runsHere = true;
  process.argv = [process.argv[0], path.resolve(script), ...args];
  await import(pathToFileURL(process.argv[1]).href);
}

/** Runs the task while no other bootstrap of this checkout prepares anything. */
async function alone(task) {
  const prefix = '.bootstrap-';
  const mine = `${prefix}${process.pid}`;
  const isOther = (name) => {
    if (!name.startsWith(prefix) || name === mine) return false;
    const alive = isAlive(Number(name.slice(prefix.length)));
    if (!alive) rmSync(name, { force: true });
    return alive;
  };
  try {
    // Each leaves a file, then looks for those of others: two at once may both step back, but not both go on.
    for (let told = false; ; told = true) {
      writeFileSync(mine, '');
      if (!readdirSync('.').some(isOther)) break;
      rmSync(mine);
      if (!told) say('waiting for another start of Holdfast that is preparing');
      await sleep(200 + Math.random() * 100);
      endIfInterrupted();
    }
    await task();
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Whether the process lives and is a bootstrap; a killed one's id may be another program's by now. */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') return false;
  }
  return read(`/proc/${pid}/cmdline`)?.includes('bootstrap') ?? true;
}

/** A hash of the names and contents of these files, and of all files below these folders. */
function hashOf(names) {
  const hash = createHash('sha256');
  const below = (name) => {
    if (!existsSync(name)) return []; // also a link to nothing, as some editors make
    return statSync(name).isDirectory() ? readdirSync(name).flatMap((entry) => below(`${name}/${entry}`)) : [name];
  };
  for (const file of names.flatMap(below).sort()) {
    const content = readFileSync(file);
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function say(message) {
  process.stderr.write(`holdfast: ${message}\n`);
}

function interrupt(signal) {
  interruptedBy ??= signal;
  child?.kill(signal);
}

function endIfInterrupted() {
  if (interruptedBy) throw new Error('interrupted');
}

for (const signal of signals) process.on(signal, () => interrupt(signal));
// npm passes on SIGINT and SIGTERM. A SIGHUP or SIGKILL ends it without a word, and only our parent changes.
if (process.env.npm_lifecycle_event) {
  const npm = process.ppid;
  const end = () => (runsHere ? process.kill(process.pid, 'SIGTERM') : interrupt('SIGTERM'));
  const watch = () => process.ppid !== npm && !interruptedBy && end();
  setInterval(watch, 200).unref();
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!interruptedBy) say(error.message);
  process.exit(interruptedBy ? 128 + constants.signals[interruptedBy] : 1);
}
