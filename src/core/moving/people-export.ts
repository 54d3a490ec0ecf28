// Everybody out again, in the form that the import reads: nobody is locked in. As much of it at a time as one page of the table.
import type pg from 'pg';
import { isNoPassword } from '../credentials/no-password.ts';
import { writeKeptHash } from './kept-hash.ts';

const PAGE = 1_000;

interface Row {
  readonly id: string;
  readonly externalId: string | null;
  readonly email: string;
  readonly language: string | null;
  readonly createdAt: Date;
  readonly blocked: boolean;
  readonly groups: readonly string[] | null;
  readonly passwordHash: string | null;
  readonly scheme: string | null;
  readonly stored: string | null;
  readonly needsSecret: boolean;
}

export interface ExportCounts {
  people: number;
  hashes: number;
  /** Left out: what checks them is a secret of the file that they came with, which is not written. */
  needSecret: number;
}

const columns = (withHashes: boolean) => `
  SELECT id, external_id AS "externalId", email, language, created_at AS "createdAt", disabled_at IS NOT NULL AS blocked,
         ${withHashes ? 'password_hash' : 'NULL'} AS "passwordHash", ${withHashes ? 'scheme, stored' : 'NULL AS scheme, NULL AS stored'},
         secret_id IS NOT NULL AS "needsSecret",
         (SELECT array_agg(name ORDER BY name) FROM group_member JOIN account_group ON id = group_id
           WHERE group_member.user_id = user_account.id) AS groups
    FROM user_account LEFT JOIN imported_password ON imported_password.user_id = user_account.id
   WHERE deleted_at IS NULL AND ($1::uuid IS NULL OR id > $1::uuid)
   ORDER BY id LIMIT ${PAGE}`;

/** A line of JSON a person, in the order of their ids. Who comes while it runs may be missing. */
export async function* exportPeople(
  pool: pg.Pool,
  { withHashes }: { withHashes: boolean },
  counts: ExportCounts,
): AsyncGenerator<string> {
  const text = columns(withHashes);
  for (let after: string | null = null; ; ) {
    const { rows }: pg.QueryResult<Row> = await pool.query<Row>(text, [after]);
    yield rows.map((row) => `${JSON.stringify(personOf(row, withHashes, counts))}\n`).join('');
    if (rows.length < PAGE) return;
    after = rows.at(-1)?.id ?? null;
  }
}

/** Without an id of another system, its id here is one. */
function personOf(row: Row, withHashes: boolean, counts: ExportCounts): object {
  const { id, externalId, email, language, createdAt, blocked, groups } = row;
  counts.people += 1;
  return {
    externalId: externalId ?? id,
    email,
    ...(language === null ? {} : { locale: language }),
    created_at: createdAt.toISOString(),
    ...(blocked ? { blocked } : {}),
    ...(groups === null ? {} : { groups }),
    ...(withHashes ? passwordOf(row, counts) : {}),
  };
}

function passwordOf({ passwordHash, scheme, stored, needsSecret }: Row, counts: ExportCounts): object {
  if (stored !== null && needsSecret) {
    counts.needSecret += 1;
    return {};
  }
  if (stored === null && (passwordHash === null || isNoPassword(passwordHash))) return {};
  counts.hashes += 1;
  return stored === null ? { password_hash: passwordHash } : writeKeptHash(scheme ?? '', stored);
}
