// What every npm script starts with: brings the packages, the Prisma client and dist/ up to date, then runs the command.
// Promises to do nothing when nothing changed, to leave no half-made result behind when it is interrupted, and that two of
// it at once wait for each other. Needs nothing but Node. Hides where it notes what is up to date: content hashes.

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const at = (...names) => path.join(root, ...names);

const commands = {
  up: ['dist/src/launcher/main.js'],
  reload: ['dist/src/launcher/reload.js'],
  start: ['dist/src/supervisor/main.js'],
  cli: ['dist/src/cli/main.js'],
  test: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'],
  build: undefined,
};

/** Ends the run with a message and an exit code, after every `finally` on the way. */
class Ending extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

/** The child that runs now; it gets the signals that we get. */
let running;
/** The signal that ended us, once there was one. */
let interruptedBy;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => interrupt(signal));

// npm passes on SIGINT and SIGTERM. A SIGHUP or SIGKILL ends it without a word, and is noticed by the change of our parent.
if (process.env.npm_lifecycle_event) {
  const npm = process.ppid;
  setInterval(() => {
    if (process.ppid !== npm && !interruptedBy) interrupt('SIGTERM');
  }, 200).unref();
}

function interrupt(signal) {
  interruptedBy ??= signal;
  running?.kill(signal);
}

async function main([command, ...args]) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(`Holdfast needs Node.js 20.19 or newer; this is ${process.versions.node}. See https://nodejs.org/`);
  }
  if (!command || !(command in commands))
    fail(`usage: node scripts/bootstrap.mjs ${Object.keys(commands).join('|')} [args]`);
  process.chdir(root);
  if (!isUpToDate()) await alone(bringUpToDate);
  if (commands[command]) await runCommand([...commands[command], ...args]);
}

function isUpToDate() {
  return packagesAreCurrent() && clientIsCurrent() && buildIsCurrent();
}

async function bringUpToDate() {
  if (!packagesAreCurrent()) await installPackages();
  if (!clientIsCurrent()) await generateClient();
  if (!buildIsCurrent()) await build();
}

// Packages

const lockMark = at('node_modules/.holdfast-lock');

function packagesAreCurrent() {
  return read(lockMark) === hashOf(['package-lock.json']);
}

async function installPackages() {
  const wanted = hashOf(['package-lock.json']);
  if (wanted === emptyHash) fail('package-lock.json is missing: is this a complete checkout?');
  if (installedByHand()) return writeMark(lockMark, wanted);
  say(
    `installing the packages (npm ci; once, ${existsSync(at('node_modules')) ? 'the lock file changed' : 'up to a minute'})`,
  );
  const npm = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const { code, output } = await step([...npm, ...args]);
  if (code !== 0) {
    fail(
      `npm ci failed (exit ${code}). ${adviceFor(output)}\nThen run the same command again; nothing half installed is used.`,
    );
  }
  writeMark(lockMark, wanted);
}

function adviceFor(output) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|network/.test(output)) {
    return `The npm registry can't be reached: check the network, a proxy (npm config get proxy) or the registry (npm config get registry).`;
  }
  if (/ENOSPC/.test(output)) return 'The disk is full: about 700 MB are needed.';
  if (/EACCES|EPERM/.test(output))
    return `This user may not write in ${root}: node_modules may belong to another user.`;
  if (/in sync|Missing:/.test(output))
    return 'package.json and package-lock.json do not agree: take both from the same commit.';
  return 'What npm says is above.';
}

/** Whether an `npm ci` or `npm install` by hand, also one without the development packages, left just what the lock file says. */
function installedByHand() {
  const wanted = packagesOf(at('package-lock.json'));
  const found = packagesOf(at('node_modules/.package-lock.json'));
  if (!wanted || !found) return false;
  const withoutDev = !Object.keys(found).some((name) => wanted[name]?.dev);
  const differs = (name) =>
    found[name]?.version !== wanted[name].version || found[name]?.integrity !== wanted[name].integrity;
  const needed = Object.keys(wanted).filter((name) => !wanted[name].link && !(withoutDev && wanted[name].dev));
  const wrong = needed.filter((name) =>
    found[name] ? differs(name) : !wanted[name].optional && !wanted[name].devOptional,
  );
  return wrong.length === 0 && Object.keys(found).every((name) => name in wanted);
}

function packagesOf(file) {
  const text = read(file);
  if (!text) return undefined;
  const { '': _root, ...packages } = JSON.parse(text).packages ?? {};
  return packages;
}

// Prisma client

const clientMark = at('src/generated/.holdfast-schema');
const clientInputs = ['prisma/schema.prisma', 'node_modules/.holdfast-lock'];

function clientIsCurrent() {
  return !existsSync(at('prisma/schema.prisma')) || read(clientMark) === hashOf(clientInputs);
}

async function generateClient() {
  const wanted = hashOf(clientInputs);
  say('generating the database client');
  needDevelopmentPackage('node_modules/prisma/build/index.js');
  // Generating never runs the schema engine, but it wants to see one; the real one can't be downloaded everywhere.
  const env = { ...process.env, CHECKPOINT_DISABLE: '1', PRISMA_SCHEMA_ENGINE_BINARY: process.execPath };
  const { code, output } = await step([process.execPath, 'node_modules/prisma/build/index.js', 'generate'], {
    env,
    quiet: true,
  });
  if (code !== 0) fail(`prisma generate failed (exit ${code}):\n${output.trim()}`);
  writeMark(clientMark, wanted);
}

// dist/

const buildMark = at('dist/.holdfast-build');
const buildInputs = ['src', 'worker', 'tsconfig.json', 'tsconfig.build.json'];

function buildIsCurrent() {
  return read(buildMark) === hashOf(buildInputs);
}

/** Compiles into a folder of its own that then takes the place of dist/, so that nothing stale stays and nothing half built is run. */
async function build() {
  const wanted = hashOf(buildInputs);
  say('compiling');
  needDevelopmentPackage('node_modules/typescript/bin/tsc');
  for (const name of readdirSync(root)) {
    if (name.startsWith('.dist-')) rmSync(at(name), { recursive: true, force: true }); // of one that was killed
  }
  const draft = `.dist-${process.pid}`;
  const old = `${draft}-old`;
  try {
    const args = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', draft];
    const { code, output } = await step([process.execPath, ...args], { quiet: true });
    if (code !== 0) fail(`The code does not compile; dist/ is as it was.\n${output.trim()}`);
    writeMark(at(draft, '.holdfast-build'), wanted);
    if (existsSync(at('dist'))) renameSync(at('dist'), at(old));
    renameSync(at(draft), at('dist'));
  } finally {
    for (const name of [draft, old]) rmSync(at(name), { recursive: true, force: true });
  }
}

function needDevelopmentPackage(file) {
  if (!existsSync(at(file))) {
    fail(
      `dist/ is older than the code, and ${file} is not installed to renew it. Run: npm ci --include=dev && npm run build`,
    );
  }
}

// Running things

/** One step of the preparation. Its output is shown, or with `quiet` only returned. */
function step([command, ...args], { env = process.env, quiet = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    running = child;
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
        if (!quiet) process.stderr.write(chunk);
      });
    }
    child.once('error', (error) => resolve({ code: 1, output: error.message }));
    child.once('close', (code, signal) => {
      running = undefined;
      resolve({ code: code ?? signal, output });
    });
  }).then((result) => {
    endIfInterrupted();
    return result;
  });
}

/** Runs the command in place of ourselves: its terminal, its signals, its exit code, and its end if we are killed. */
async function runCommand(args) {
  endIfInterrupted();
  const bound = spawnSync('setpriv', ['--pdeathsig', 'TERM', 'true'], { stdio: 'ignore' }).status === 0;
  const [command, ...rest] = [...(bound ? ['setpriv', '--pdeathsig', 'TERM'] : []), process.execPath, ...args];
  const child = spawn(command, rest, { stdio: 'inherit' });
  running = child;
  child.once('error', (error) => {
    say(`${command} can't be started: ${error.message}`);
    process.exit(1);
  });
  child.once('exit', (code, signal) => {
    process.exit(signal ? 128 + os.constants.signals[signal] : code);
  });
}

/** Runs while no other bootstrap of this checkout prepares anything; what the other made is then found made. */
async function alone(task) {
  const lock = at('.bootstrap-lock');
  let told = false;
  while (!takeLock(lock)) {
    endIfInterrupted();
    if (!told) say('waiting for another start of Holdfast that is preparing');
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 100));
  }
  try {
    if (!isUpToDate()) await task();
  } finally {
    leaveLock(lock);
  }
}

/** Never granted to two: each leaves a file under its process id, then looks for the files of others that live. */
function takeLock(lock) {
  try {
    mkdirSync(lock, { recursive: true });
    writeFileSync(path.join(lock, String(process.pid)), '');
  } catch (error) {
    if (error.code === 'ENOENT') return false; // the folder went with its last holder, between these two lines
    throw new Ending(`${root} can't be written by this user: ${error.message}`, 1);
  }
  for (const name of readdirSync(lock)) {
    if (name === String(process.pid)) continue;
    if (isAlive(Number(name))) {
      leaveLock(lock);
      return false;
    }
    rmSync(path.join(lock, name), { force: true });
  }
  return true;
}

function leaveLock(lock) {
  rmSync(path.join(lock, String(process.pid)), { force: true });
  try {
    rmdirSync(lock);
  } catch {
    // others are in it
  }
}

/** Whether the process lives and is a bootstrap; its id may belong to another program by now. */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') return false;
  }
  const commandLine = read(`/proc/${pid}/cmdline`);
  return commandLine === undefined || commandLine.includes('bootstrap');
}

// Small things

const emptyHash = createHash('sha256').digest('hex');

/** A hash over the names and contents of these files, and of all below these folders. */
function hashOf(names) {
  const hash = createHash('sha256');
  for (const file of names.flatMap(filesBelow).sort()) {
    const content = readFileSync(at(file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

function filesBelow(name) {
  const found = statSync(at(name), { throwIfNoEntry: false });
  if (!found?.isDirectory()) return found?.isFile() ? [name] : [];
  return readdirSync(at(name), { withFileTypes: true }).flatMap((entry) => filesBelow(`${name}/${entry.name}`));
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function writeMark(file, text) {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text);
  renameSync(draft, file);
}

function say(message) {
  process.stderr.write(`holdfast: ${message}\n`);
}

function fail(message) {
  throw new Ending(message, 1);
}

function endIfInterrupted() {
  if (interruptedBy) throw new Ending('', 128 + os.constants.signals[interruptedBy]);
}

await main(process.argv.slice(2)).catch((error) => {
  if (!(error instanceof Ending)) throw error;
  if (error.message) say(error.message);
  process.exit(error.code);
});
