// The log at a glance: what each page of it says of the whole, in one statement that costs the same at any length.
import type pg from 'pg';

export interface Glance {
  /** The numbers of the oldest event that is kept and of the newest; `first` is `head + 1` where none is. */
  readonly first: number;
  readonly head: number;
  /** The first and the last hour in which something happened; null where nothing did. */
  readonly hours: { readonly first: Date; readonly last: Date } | null;
  /** Of the newest signing key, as its event tells; null if that was dropped, or there is none. */
  readonly publicKey: string | null;
}

interface GlanceRecord {
  readonly head: string;
  readonly first: string;
  readonly first_hour: Date | null;
  readonly last_hour: Date | null;
  readonly public_key: string | null;
}

const GLANCE = {
  name: 'log-glance',
  text: `SELECT head.seq AS head,
                coalesce((SELECT seq FROM audit_event ORDER BY seq, sealed_at LIMIT 1), head.seq + 1) AS first,
                (SELECT min(hour) FROM audit_hour) AS first_hour, (SELECT max(hour) FROM audit_hour) AS last_hour,
                (SELECT detail->>'publicKey' FROM audit_event WHERE type = 'sys_audit_key'
                  ORDER BY (seq >> 8) DESC, seq DESC LIMIT 1) AS public_key
           FROM audit_head AS head WHERE id = 1`,
};

export async function readGlance(pool: pg.Pool): Promise<Glance> {
  const [row] = (await pool.query<GlanceRecord>(GLANCE)).rows;
  if (!row) throw new Error('audit_head has lost its row');
  const { first_hour: first, last_hour: last } = row;
  return {
    first: Number(row.first),
    head: Number(row.head),
    hours: first && last && { first, last },
    publicKey: row.public_key,
  };
}
