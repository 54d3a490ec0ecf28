// A batch of people in one transaction: accounts, passwords, groups and events, all or nothing. Whoever is there already stays as
// they are.
import type pg from 'pg';
import type { Actor } from '../audit/events.ts';
import { EVENT_NOW, outboxEvent, recordEvents } from '../audit/outbox.ts';
import { keepImportSecretWithin } from '../credentials/import-secrets.ts';
import { placesAwaitedBack } from '../credentials/login-links.ts';
import { joinGroupsWithin } from '../groups/new-accounts.ts';
import { hasSqlState } from '../platform/database.ts';
import { inTransaction } from '../platform/postgres/connection.ts';
import { type RawClient, rawClient } from '../platform/postgres/raw-client.ts';
import type { Person } from './person.ts';

/** A person whose password was read. */
export interface ReadyPerson {
  readonly id: string;
  /** Of the event that tells of the account. */
  readonly eventId: string;
  /** Where the person stands in the file. */
  readonly place: number;
  readonly person: Person;
  /** The account's own; one that matches nothing where there is `imported`, or no password at all. */
  readonly passwordHash: string;
  readonly imported: ImportedPassword | null;
  /** A short name of how the password was made; none without one. */
  readonly scheme: string | null;
}

export interface ImportedPassword {
  readonly stored: string;
  readonly secretId: string | null;
}

/** What stands in somebody's way. `other_address`: the id is here with another address, changed since or of somebody else. */
export type Outcome = 'unchanged' | 'other_address' | 'deleted' | 'email_taken';

/** Another may take an id or an address between the look and the insert: then there is one more look. */
const TRIES = 3;
const UNIQUE_VIOLATION = '23505';

export interface BatchOptions {
  readonly pool: pg.Pool;
  readonly by: Actor;
  /** Names the import in its events. */
  readonly run: string;
  readonly from: string;
  /** Only looks. */
  readonly dryRun: boolean;
  /** Whether groups that are not there are made; else they are left out. */
  readonly newGroups: boolean;
  /** The secrets that rows of the batch name, encrypted. */
  readonly secrets: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  /** Called for who was created, in the same transaction. */
  readonly welcome?: ((transaction: RawClient, people: readonly ReadyPerson[]) => Promise<void>) | undefined;
}

/** What became of each person, in their order. No two of them have an id or an address in common. */
export async function writeBatch(
  people: readonly ReadyPerson[],
  options: BatchOptions,
): Promise<readonly (Outcome | 'created')[]> {
  for (let left = TRIES; ; left -= 1) {
    try {
      return await tryBatch(people, options);
    } catch (error) {
      if (left === 0 || !hasSqlState(error, UNIQUE_VIOLATION)) throw error;
    }
  }
}

function tryBatch(people: readonly ReadyPerson[], options: BatchOptions) {
  return inTransaction(options.pool, async (client) => {
    const transaction = rawClient(client);
    const there = await readThereWithin(transaction, people);
    const fresh = people.filter((one) => there(one) === null);
    if (!options.dryRun && fresh.length > 0) await createWithin(transaction, fresh, options);
    return people.map((one) => there(one) ?? 'created');
  });
}

/** Says of a person whether something stands in their way. */
async function readThereWithin(transaction: RawClient, people: readonly ReadyPerson[]) {
  const rows = people.map(({ person }, place) => ({ place, id: person.externalId, key: person.key }));
  const found = await transaction.$queryRaw<{ place: number; outcome: Outcome }[]>`
    WITH given AS MATERIALIZED (
      SELECT * FROM json_to_recordset(${JSON.stringify(rows)}::json) AS row(place int, id text, key text))
    SELECT place, CASE WHEN email_key = given.key THEN 'unchanged' ELSE 'other_address' END AS outcome
      FROM given JOIN user_account ON external_id = given.id
    UNION ALL
    SELECT place, 'deleted' FROM given JOIN deleted_external_id ON hash = sha256(convert_to(given.id, 'UTF8'))
     WHERE EXISTS (SELECT FROM deleted_external_id)
    UNION ALL
    SELECT place, 'email_taken' FROM given JOIN user_account ON email_key = key`;
  const keys = people.map(({ person }) => person.key);
  const outcomes = new Map(people.map(({ id }) => [id, null as Outcome | null]));
  for (const place of await placesAwaitedBack(transaction, keys)) outcomes.set(people[place]?.id ?? '', 'email_taken');
  for (const outcome of ['email_taken', 'deleted', 'other_address', 'unchanged'] as const) {
    for (const one of found) if (one.outcome === outcome) outcomes.set(people[one.place]?.id ?? '', outcome);
  }
  return ({ id }: ReadyPerson): Outcome | null => outcomes.get(id) ?? null;
}

async function createWithin(
  transaction: RawClient,
  people: readonly ReadyPerson[],
  { by, run, from, newGroups, secrets, welcome }: BatchOptions,
): Promise<void> {
  for (const [id, encrypted] of secrets) {
    if (people.some(({ imported }) => imported?.secretId === id))
      await keepImportSecretWithin(transaction, id, encrypted);
  }
  const about = { outcome: 'success', actor: by.actor, subject: null, origin: by.origin } as const;
  const event = outboxEvent({ type: 'user_created', ...about, detail: { role: 'member', import: run } });
  await insertWithin(transaction, people, event);
  const detail = { import: run, from, people: people.length };
  await recordEvents(transaction, [{ event: { type: 'people_imported', ...about, detail } }]);
  const joining = people.map(({ id, person: { groups } }) => ({ userId: id, groups }));
  await joinGroupsWithin(transaction, joining, by, { newGroups });
  await welcome?.(transaction, people);
}

/** Accounts, passwords and an event for each, in one statement, because a million of them are to be no long wait. */
async function insertWithin(
  transaction: RawClient,
  people: readonly ReadyPerson[],
  { detail, ...rest }: ReturnType<typeof outboxEvent>,
): Promise<void> {
  const rows = people.map(({ id, eventId, passwordHash, imported, scheme, person }) => ({
    id,
    event: eventId,
    email: person.email,
    key: person.key,
    hash: passwordHash,
    blocked: person.blocked,
    created: person.createdAt,
    language: person.language,
    external: person.externalId,
    scheme,
    stored: imported?.stored,
    secret: imported?.secretId,
  }));
  await transaction.$executeRaw`
    WITH given AS MATERIALIZED (
      SELECT * FROM json_to_recordset(${JSON.stringify(rows)}::json)
          AS row(id uuid, event uuid, email text, key text, hash text, blocked boolean, created timestamptz, language text,
                 external text, scheme text, stored text, secret uuid)),
    made AS (
      INSERT INTO user_account (id, email, email_key, password_hash, disabled_at, created_at, language, external_id)
      SELECT id, email, key, hash, CASE WHEN blocked THEN clock_timestamp() END, coalesce(created, clock_timestamp()),
             language, external
        FROM given),
    kept AS (
      INSERT INTO imported_password (user_id, scheme, stored, secret_id)
      SELECT id, scheme, stored, secret FROM given WHERE stored IS NOT NULL)
    INSERT INTO outbox (event)
    SELECT ${JSON.stringify(rest)}::jsonb
           || jsonb_build_object('occurredAt', (SELECT ${EVENT_NOW}), 'id', event, 'subject', id, 'detail',
                ${JSON.stringify(detail)}::jsonb || jsonb_build_object('password', coalesce(scheme, 'none')))
      FROM given`;
}
