// People of another system become accounts here: a batch in one transaction, while the next is read. What can't be taken is
// reported and left out. Run again, it goes on where it was stopped, and changes nobody who is there.
import { setImmediate as turn } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import type { Actor } from '../audit/events.ts';
import type { ImportSecrets } from '../credentials/imported/imported-hash.ts';
import type { HashingCost } from '../credentials/passwords.ts';
import type { SecretBox } from '../credentials/secret-box.ts';
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Database } from '../platform/database.ts';
import type { Language } from '../platform/languages.ts';
import { readPerson } from './person.ts';
import type { PersonProblem, Problem } from './problems.ts';
import { createMakeReady, type Ready } from './ready.ts';
import { createSeen } from './seen.ts';
import { createWelcome } from './welcome.ts';
import { type Outcome, writeBatch } from './write-batch.ts';

/** How many are one transaction. */
const BATCH = 1_000;
/** How many are read in a turn of the event loop: the batch that is written meanwhile has several statements. */
const A_TURN = 25;

/** What stands in a file at one place: a line's number, or a person's. */
export type Found =
  | { readonly place: number; readonly raw: unknown }
  | { readonly place: number; readonly problem: Problem };

export interface ImportRequest {
  readonly people: AsyncIterable<readonly Found[]>;
  /** Of which system the file is, for the log. */
  readonly from: string;
  readonly secrets: ImportSecrets;
  readonly allowWeak: boolean;
  readonly dryRun: boolean;
  readonly welcome: boolean;
  readonly by: Actor;
  onProblem(place: number, problem: PersonProblem): void;
  onProgress?(read: number): void;
}

export interface ImportSummary {
  /** Names the import in its events. */
  readonly import: string;
  read: number;
  /** With a dry run those who would be. */
  created: number;
  /** Were here already, and stayed as they are. */
  unchanged: number;
  /** Of these: with another e-mail address than the file says. */
  otherAddress: number;
  /** Were here once and were deleted. */
  deleted: number;
  withoutPassword: number;
  weak: number;
  readonly schemes: Record<string, number>;
  readonly errors: Record<string, number>;
  /** People with a field that no account has a place for, by field. */
  readonly notKept: Record<string, number>;
}

export interface ImportOptions {
  readonly database: Database;
  readonly mail: Mail;
  readonly secretBox: SecretBox;
  readonly cost: HashingCost;
  /** Of mails to people whose language is unknown. */
  readonly language: Language;
}

export function createImportPeople({ database, mail, secretBox, cost, language }: ImportOptions) {
  /** @throws what the source throws, once everything before it is in; and outages */
  return async function importPeople(request: ImportRequest): Promise<ImportSummary> {
    const { people, from, dryRun, by, onProblem, onProgress } = request;
    const summary = emptySummary();
    const ready = createMakeReady({ ...request, secretBox, cost });
    const seen = createSeen();
    const now = new Date(database.clock.now().getTime() + 86_400_000);
    const welcome = request.welcome ? createWelcome(mail, language) : undefined;
    let batch: Ready[] = [];
    let writing: Promise<void> = Promise.resolve();

    function refuse(place: number, problem: PersonProblem): void {
      add(summary.errors, problem.code);
      onProblem(place, problem);
    }

    function take(found: Found): void {
      summary.read += 1;
      const problem = problemOf(found);
      if (problem) refuse(found.place, problem);
    }

    /** Null where the person goes into the batch. */
    function problemOf(found: Found): PersonProblem | null {
      if ('problem' in found) return { code: found.problem };
      const read = readPerson(found.raw, now);
      if ('problem' in read) return read.problem;
      const { person } = read;
      if (!seen.add(`id ${person.externalId}`)) return { code: 'duplicate_external_id' };
      if (!seen.add(`email ${person.key}`)) return { code: 'duplicate_email' };
      const made = ready.makeReady(found.place, person);
      if ('problem' in made) return made.problem;
      batch.push(made);
      return null;
    }

    async function write(some: readonly Ready[]): Promise<void> {
      const safe = dryRun ? some : await ready.protect(some);
      const about = { by, run: summary.import, from, dryRun, newGroups: true };
      const options = { pool: database.pool, ...about, secrets: ready.secrets(), welcome };
      const outcomes = await writeBatch(safe, options);
      for (const [index, outcome] of outcomes.entries()) count(outcome, some[index] as Ready);
      onProgress?.(summary.read);
    }

    function count(outcome: Outcome | 'created', one: Ready): void {
      if (outcome === 'email_taken') refuse(one.place, { code: outcome });
      else if (outcome === 'other_address') {
        summary.unchanged += 1;
        summary.otherAddress += 1;
        onProblem(one.place, { code: outcome });
      } else summary[outcome] += 1;
      if (outcome !== 'created') return;
      if (one.scheme === null) summary.withoutPassword += 1;
      else add(summary.schemes, one.scheme);
      if (one.weak) summary.weak += 1;
      for (const field of one.person.notKept) add(summary.notKept, field);
    }

    /** One batch is written while the next is read. */
    async function flush(): Promise<void> {
      await writing;
      const full = batch;
      batch = [];
      if (full.length === 0) return;
      writing = write(full);
      writing.catch(() => undefined);
    }

    try {
      for await (const some of people) {
        for (const found of some) {
          take(found);
          if (batch.length >= BATCH) await flush();
          else if (summary.read % A_TURN === 0) await turn();
        }
      }
    } finally {
      await flush();
      await writing;
    }
    return summary;
  };
}

function emptySummary(): ImportSummary {
  const none = { read: 0, created: 0, unchanged: 0, otherAddress: 0, deleted: 0, withoutPassword: 0, weak: 0 };
  return { import: uuidv7(), ...none, schemes: {}, errors: {}, notKept: {} };
}

function add(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
