// Somebody who is unknown here, and whom the old system knows by this password, gets an account: as an import would make it,
// with the password hashed as ours. The old system is never asked about them again.
import { v7 as uuidv7 } from 'uuid';
import { MAX_BYTES, normalisePassword, type Passwords } from '../../credentials/passwords.ts';
import type { TakeOver } from '../../login/password-login.ts';
import type { Database } from '../../platform/database.ts';
import { readEmail } from '../../platform/email-address.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { writeBatch } from '../write-batch.ts';
import { createAskOldSystem, type OldSystem } from './ask.ts';

const FROM = 'old_system';
/** Clocks differ. */
const AHEAD_MS = 86_400_000;

export interface TakeOverOptions {
  readonly oldSystem: OldSystem;
  readonly database: Database;
  readonly passwords: Passwords;
  readonly metrics: Metrics;
  readonly log: Log;
}

export function createTakeOver({ oldSystem, database, passwords, metrics, log }: TakeOverOptions): TakeOver {
  const now = () => new Date(database.clock.now().getTime() + AHEAD_MS);
  const ask = createAskOldSystem({ oldSystem, now, metrics, log });

  /** Longer ones could not be kept. */
  const fits = (password: string) => Buffer.byteLength(normalisePassword(password)) <= MAX_BYTES;

  return async function takeOver({ email: typed, password, origin }, asker) {
    const email = readEmail(typed);
    if (email === null || !fits(password)) return 'no';
    const person = await ask({ email, password });
    if (person === 'no' || person === 'no_answer') return person;
    const passwordHash = await passwords.hash(password, asker);
    const ids = { id: uuidv7(), eventId: uuidv7() };
    await writeBatch([{ ...ids, place: 0, person, passwordHash, imported: null, scheme: FROM }], {
      pool: database.pool,
      by: { actor: null, origin },
      run: uuidv7(),
      from: FROM,
      dryRun: false,
      newGroups: false,
      secrets: new Map(),
    });
    return 'look_again';
  };
}
