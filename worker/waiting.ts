// What waits to be done, found by looking: one statement for all jobs, and one turn of Redis. A job through the queues costs fifty
// commands, and most would find nothing.
import { LOG_INS_LAG } from '../src/core/accounts/last-logins.ts';
import { POST_IS_DUE } from '../src/core/alerting/posting.ts';
import { LOG_GOES_ON } from '../src/core/alerting/raising.ts';
import { EVENT_WAITS } from '../src/core/audit/outbox.ts';
import { TEXT_LAGS } from '../src/core/audit/reading/text-index.ts';
import { TREE_LAGS } from '../src/core/audit/tree/tree.ts';
import { CLAIM_WAITS } from '../src/core/audit/verification/exports/export-signing.ts';
import type { Context } from '../src/core/context.ts';
import { MAIL_IS_DUE } from '../src/core/mail/due-mail.ts';
import type { JobName } from '../src/core/platform/queues.ts';
import { ORDER_WAITS } from '../src/core/securing/secure-many.ts';
import { ALL_END } from '../src/core/sessions/end-all-sessions.ts';
import { BLOCK_RAN_OUT } from '../src/core/throttle/blocks.ts';
import { Prisma } from '../src/generated/prisma/client.ts';

type Looked = Pick<Context, 'database' | 'config' | 'checkpoints' | 'sessionCache' | 'blocks' | 'sealing'>;

export type LookForWork = () => Promise<ReadonlySet<JobName>>;

/** Finds the jobs that have something to do. Throws where PostgreSQL is away. */
export function createLookForWork(context: Looked): LookForWork {
  const { database, sessionCache, blocks, sealing } = context;
  const conditions = Object.entries(conditionsOf(context));
  const columns = conditions.map(([job, condition]) => Prisma.sql`${condition} AS ${Prisma.raw(`"${job}"`)}`);
  const { text, values } = Prisma.sql`SELECT ${Prisma.join(columns)}`;

  let inRedis: readonly JobName[] = [];

  async function lookInRedis(): Promise<void> {
    const [touches, refused] = await Promise.all([sessionCache.touchesWait(), blocks.haveRefused().catch(() => false)]);
    inRedis = [...(touches ? ['flush-touches' as const] : []), ...(refused ? ['fold-refusals' as const] : [])];
  }

  return async () => {
    void lookInRedis(); // for the next look: a Redis that is silent must not delay this one
    const { rows } = await database.pool.query<Record<string, boolean>>({ name: 'look-for-work', text, values });
    const found = new Set(inRedis);
    for (const [job] of conditions) if (rows[0]?.[job]) found.add(job as JobName);
    if (!found.has('seal-events')) sealing.noteNothingWaits();
    return found;
  };
}

function conditionsOf({ config, checkpoints }: Looked): Partial<Record<JobName, Prisma.Sql>> {
  return {
    'seal-events': EVENT_WAITS,
    ...(checkpoints.canSign ? { 'sign-exports': CLAIM_WAITS, 'grow-tree': TREE_LAGS } : {}),
    'end-everybody': ALL_END,
    'secure-accounts': ORDER_WAITS,
    'send-mails': MAIL_IS_DUE,
    'follow-log': LOG_GOES_ON,
    ...(config.alertWebhook ? { 'post-alerts': POST_IS_DUE } : {}),
    'index-details': Prisma.sql`(${TEXT_LAGS} OR ${LOG_INS_LAG})`,
    'fold-refusals': BLOCK_RAN_OUT,
  };
}
