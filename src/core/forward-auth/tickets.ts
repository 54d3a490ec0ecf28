// The table of tickets: what the log-in gives the browser for an application's host. Once, within a minute, bound to the browser
// that asked by a secret that only the application's host has as a cookie.
import { Prisma } from '../../generated/prisma/client.ts';
import { hashToken } from '../credentials/random-token.ts';
import { deleteSome, type Transaction } from '../platform/database.ts';

const LIFE_SECONDS = 60;
/** In which a browser that keeps no cookie would go round and round. */
const LOOP_SECONDS = 30;

export interface NewTicket {
  readonly token: string;
  readonly userId: string;
  readonly loginId: string;
  readonly applicationId: string;
  readonly stateHash: Buffer;
  /** Where in the application it leads: a path. */
  readonly target: string;
}

export interface Ticket {
  readonly userId: string;
  readonly loginId: string;
  readonly applicationId: string;
  readonly target: string;
}

export async function insertTicket(transaction: Transaction, ticket: NewTicket): Promise<void> {
  const { token, userId, loginId, applicationId, stateHash, target } = ticket;
  await transaction.$executeRaw`
    INSERT INTO application_ticket (hash, user_id, login_id, application_id, state_hash, target, expires_at)
    VALUES (${hashToken(token)}, ${userId}::uuid, ${loginId}::uuid, ${applicationId}::uuid, ${new Uint8Array(stateHash)},
            ${target}, clock_timestamp() + ${LIFE_SECONDS} * interval '1 second')`;
}

/**
 * How often this log-in entered an application within half a minute. Tickets that were not used don't count: any site can lead a
 * browser to one, but only the application's host, where its secret is, to its use.
 */
export async function countEntered(transaction: Transaction, loginId: string, applicationId: string): Promise<number> {
  const [row] = await transaction.$queryRaw<{ count: number }[]>`
    SELECT count(*)::int AS count FROM application_ticket
     WHERE login_id = ${loginId}::uuid AND application_id = ${applicationId}::uuid
       AND created_at > clock_timestamp() - ${LOOP_SECONDS} * interval '1 second' AND used_at IS NOT NULL`;
  return row?.count ?? 0;
}

/** Uses a ticket up; null if it is none of this application and browser, was used, or is too old. */
export async function takeTicket(
  transaction: Transaction,
  { token, applicationId, stateHashes }: { token: string; applicationId: string; stateHashes: readonly Buffer[] },
): Promise<Ticket | null> {
  const [row] = await transaction.$queryRaw<Ticket[]>`
    UPDATE application_ticket SET used_at = clock_timestamp()
     WHERE hash = ${hashToken(token)} AND used_at IS NULL AND expires_at > clock_timestamp()
       AND application_id = ${applicationId}::uuid AND state_hash IN (${Prisma.join(stateHashes.map(bytes))})
    RETURNING user_id AS "userId", login_id AS "loginId", application_id AS "applicationId", target`;
  return row ?? null;
}

/** Where a ticket of this application led; its browser may have come back to it. */
export async function targetOf(transaction: Transaction, token: string, applicationId: string): Promise<string | null> {
  const [row] = await transaction.$queryRaw<{ target: string }[]>`
    SELECT target FROM application_ticket WHERE hash = ${hashToken(token)} AND application_id = ${applicationId}::uuid`;
  return row?.target ?? null;
}

export async function deleteOldTickets(transaction: Transaction, limit: number): Promise<number> {
  const where = Prisma.sql`expires_at < statement_timestamp() - interval '5 minutes'`;
  return deleteSome(transaction, { from: 'application_ticket', where, limit, key: 'hash' });
}

function bytes(hash: Buffer): Prisma.Sql {
  return Prisma.sql`${new Uint8Array(hash)}::bytea`;
}
