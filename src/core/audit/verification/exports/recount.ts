// Reads the log again as an export claims to have read it.
import type pg from 'pg';
import type { AuditLog } from '../../reading/audit-log.ts';
import { createListing, listed } from '../../reading/listing.ts';
import type { AuditFilter } from '../../reading/query.ts';
import type { Claim } from './manifest.ts';

const BATCH = 20_000;
const CHANGED = 'the log does not have just these events: it changed while it was exported, or the claim is wrong';

interface Log {
  readonly pool: pg.Pool;
  readonly auditLog: Pick<AuditLog, 'hashes'>;
}

/** Why the claim is not what the log shows; null if it is. An export of every event needs only its ends. */
export async function recounted(log: Log, filter: AuditFilter, claim: Claim): Promise<string | null> {
  const isWhole = Object.values(filter).every((part) => part === null);
  return (await (isWhole ? endsAgree(log.pool, claim) : listsAgree(log.auditLog, filter, claim))) ? null : CHANGED;
}

/** The chain shows what lies between: each event names the hash of the one before. */
async function endsAgree(pool: pg.Pool, { after, to, count, first, last }: Claim): Promise<boolean> {
  if (count === 0) return after === to && last === null;
  if (count !== to - after || first !== after + 1 || last?.seq !== to) return false;
  const { rows } = await pool.query<{ hash: Buffer }>('SELECT hash FROM audit_event WHERE seq = $1', [to]);
  return rows.length === 1 && rows[0]?.hash.toString('base64url') === last.hash;
}

async function listsAgree(auditLog: Log['auditLog'], filter: AuditFilter, claim: Claim): Promise<boolean> {
  const listing = createListing();
  const nothingBeside = { erased: false, actorEmail: null, subjectEmail: null };
  for (let after = claim.after; after < claim.to && listing.count() <= claim.count; )
    after = await auditLog.hashes(filter, { after, upTo: claim.to }, BATCH, (seq, hash) =>
      listing.add(seq, listed(hash, nothingBeside)),
    );
  const found = listing.summary();
  return (
    found.count === claim.count &&
    found.first === claim.first &&
    found.last?.seq === claim.last?.seq &&
    found.last?.hash === claim.last?.hash &&
    found.events === claim.events
  );
}
