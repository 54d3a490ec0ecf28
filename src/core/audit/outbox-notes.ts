// Reads what waits in the outbox beside an event: the notes of an attempt and of a block. A note is
// taken whole or not at all; what is wrong with it goes into the event's detail.
import { validate } from 'uuid';
import type { AttemptNote, BlockNote } from './events.ts';

export interface Notes {
  readonly attempt: AttemptNote | null;
  readonly block: BlockNote | null;
}

type Check = (value: unknown) => boolean;

const MOST_FAILURES = 2 ** 31 - 1;
const LONGEST_BLOCK_MS = 3_650 * 86_400_000;

const text: Check = (value) => typeof value === 'string';
const uuid: Check = (value) => typeof value === 'string' && validate(value);
const wholeTo =
  (most: number): Check =>
  (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;
const spanTo =
  (most: number): Check =>
  (value) =>
    typeof value === 'number' && value >= 0 && value <= most;

const ATTEMPT: Readonly<Record<keyof AttemptNote, Check>> = {
  identifierHash: text,
  device: (value) => value === null || value === undefined || uuid(value),
};

const BLOCK: Readonly<Record<keyof BlockNote, Check>> = {
  id: uuid,
  scope: text,
  key: text,
  failures: wholeTo(MOST_FAILURES),
  lastsMs: spanTo(LONGEST_BLOCK_MS),
};

/** The notes of a row. `odd` gets what does not fit. */
export function readNotes(row: { attempt: unknown; block: unknown }, odd: Record<string, unknown>): Notes {
  return {
    attempt: readNote<AttemptNote>(row.attempt, ATTEMPT, (wrong) => {
      odd['attempt'] = wrong;
    }),
    block: readNote<BlockNote>(row.block, BLOCK, (wrong) => {
      odd['block'] = wrong;
    }),
  };
}

/** A field that is missing is told as null: JSON has no other word for it. */
function readNote<Note extends object>(
  given: unknown,
  checks: Readonly<Record<string, Check>>,
  tell: (wrong: unknown) => void,
): Note | null {
  if (given === null || given === undefined) return null;
  if (!(given instanceof Object) || Array.isArray(given)) {
    tell(given);
    return null;
  }
  const fields = given as Readonly<Record<string, unknown>>;
  const wrong = Object.entries(checks).flatMap(([name, fits]) =>
    fits(fields[name]) ? [] : [[name, fields[name] ?? null] as const],
  );
  if (wrong.length === 0) return given as Note;
  tell(Object.fromEntries(wrong));
  return null;
}
