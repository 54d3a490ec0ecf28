// Where sessions began, from the events of their log-ins, and of the confirmations that replaced them.

import { type KeptPlace, readPlace } from '../places/place.ts';
import type { Database } from '../platform/database.ts';

/** A session's first events: the log-in is among them. */
const FIRST = 4;

export interface LoginPlace {
  readonly place: KeptPlace | null;
  /** The marks, as in the event's detail; empty for none. */
  readonly unusual: string;
}

interface Row {
  readonly session: string;
  readonly place: string | null;
  readonly unusual: string | null;
}

/** By the id of the session that the log-in began. */
export type ReadLoginPlaces = (sessions: readonly string[]) => Promise<ReadonlyMap<string, LoginPlace>>;

export function createLoginPlaces({ database: { pool } }: { database: Pick<Database, 'pool'> }): ReadLoginPlaces {
  return async (sessions) => {
    if (sessions.length === 0) return new Map();
    const { rows } = await pool.query<Row>({
      name: 'login-places',
      text: `SELECT asked.id AS session, login.place, login.detail->>'unusual' AS unusual
               FROM unnest($1::uuid[]) AS asked(id) CROSS JOIN LATERAL (
                 SELECT type, place, detail FROM (
                   SELECT seq, type, place, detail FROM audit_event WHERE session_id = asked.id OFFSET 0) AS all_of_it
                  ORDER BY seq LIMIT $2) AS login
              WHERE login.type IN ('authn_login_success', 'authn_confirm_success')`,
      values: [sessions, FIRST],
    });
    return new Map(
      rows.map(({ session, place, unusual }) => [session, { place: readPlace(place), unusual: unusual ?? '' }]),
    );
  };
}
