// What starting an embedded server has in common: a port that is kept from start to start, a log, and another try where what is
// in the way passes by itself.

import { closeSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLog, readIfThere, tail, writePrivate } from '../machine/files.ts';
import { choosePort } from '../machine/ports.ts';
import { type BoundSpawnOptions, type Child, type Exit, endChild, spawnBound } from '../machine/process.ts';

const startDeadlineMs = 60_000;

export interface EmbeddedServer {
  port: number;
  pid: number;
  /** Resolves when the server is gone, for whatever reason. */
  exited: Promise<Exit>;
  /** Writes everything down and resolves when the server is gone. */
  stop(): Promise<void>;
  /** SIGKILL, for fault tests; resolves when all of the server is gone. The next start on the same folder recovers. */
  kill(): Promise<void>;
}

export interface ServerOptions {
  /** Holds the data, the passwords and the remembered port. Made if it is not there. */
  dataDir: string;
  /** Exactly this port; without it the remembered one, or another free one when that is taken. */
  port?: number;
  /** Where the server writes its log; the default is in `dataDir`. */
  logFile?: string;
  /** Told of long steps, in words for a person. */
  log?: (message: string) => void;
}

export interface ServerStart {
  name: string;
  dataDir: string;
  port?: number | undefined;
  logFile: string;
  launch: (port: number) => Child;
  /** Called until it is true or the server is gone. */
  answers: (port: number) => Promise<boolean>;
  /** What is in the way and passes by itself, by the end of the log; undefined where another try is of no use. */
  obstacle: (said: string, exit: Exit) => string | undefined;
}

/** Resolves when the server answers. Throws with the end of its log otherwise. */
export async function startServer(start: ServerStart): Promise<{ child: Child; port: number }> {
  const { name, dataDir, logFile, launch, obstacle } = start;
  const portFile = path.join(dataDir, 'port');
  const deadline = Date.now() + startDeadlineMs;
  for (;;) {
    const port = await choosePort(start.port, Number(readIfThere(portFile)) || undefined);
    const child = launch(port);
    if (await untilAnswering(child, () => start.answers(port), deadline)) {
      writePrivate(portFile, `${port}\n`);
      return { child, port };
    }
    await endChild(child, [['SIGKILL', 5_000]]);
    const said = tail(logFile);
    const passing = said.includes('Address already in use') ? 'its port is taken' : obstacle(said, await child.exited);
    if (passing === undefined || Date.now() > deadline) {
      throw new Error(`${name} does not start${passing ? ` (${passing})` : ''}. The end of ${logFile}:\n${said}`);
    }
    await sleep(200);
  }
}

/** False when the server ended first: a stranger on the same port is not taken for it. */
async function untilAnswering(child: Child, answers: () => Promise<boolean>, deadline: number): Promise<boolean> {
  let gone = false;
  child.exited.then(() => {
    gone = true;
  });
  while (!gone && Date.now() < deadline) {
    if (await answers()) return !gone;
    await sleep(30);
  }
  return false;
}

export function spawnLogged(command: string, args: string[], logFile: string, options: BoundSpawnOptions): Child {
  const log = openLog(logFile);
  try {
    return spawnBound(command, args, { ...options, stdio: ['ignore', log, log] });
  } finally {
    closeSync(log);
  }
}
