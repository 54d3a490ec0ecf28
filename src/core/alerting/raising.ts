// Alerts of sealed events, folded: what a rule and its matter are told at once, further times within a window are counted and
// told at its end. The cursor over the log moves in the same transaction: nothing is left out, nothing is raised twice.
import { v7 as uuidv7 } from 'uuid';
import { Prisma } from '../../generated/prisma/client.ts';
import type { AlertFacts, AlertRule } from '../mail/alerts.ts';
import type { Database, Transaction } from '../platform/database.ts';
import { clientKey } from '../platform/networks.ts';
import { RULED_TYPES, type Ruled, type RuledEvent, ruleOf } from './rules.ts';
import { isRule, readRule } from './settings.ts';
import type { TellWithin } from './telling.ts';

const WINDOW_MS = 3_600_000;
/** Matters of one rule that are told apart within a window; further ones share a row. */
const MOST_APART = 5;
const THE_OTHERS = '*';
const BATCH = 500;
/** Events that one transaction looks through, so that it stays short after a long outage. */
const PART = 50_000;

/** Whether events were sealed since, or a window has ended with more than was told. */
export const LOG_GOES_ON = Prisma.sql`
  (EXISTS (SELECT FROM alert_state AS state JOIN audit_head AS head ON head.id = state.id WHERE head.seq <> state.seq)
   OR EXISTS (SELECT FROM alert WHERE count > told AND closes_at <= clock_timestamp()))`;

/** Something that a rule is about; `count` times since the last look. */
export interface Happened extends Ruled {
  readonly seq: number | null;
  readonly at: Date;
  readonly count: number;
}

interface ReadEvent extends Omit<RuledEvent, 'seq' | 'client'> {
  readonly seq: bigint;
}

/** An alert whose window has ended with more than was told. */
interface UntoldRow {
  readonly id: string;
  readonly rule: string;
  readonly seq: bigint | null;
  readonly facts: AlertFacts;
  readonly more: number;
  readonly at: Date;
}

export interface RaisingOptions {
  readonly database: Pick<Database, 'transact'>;
  readonly tellWithin: TellWithin;
  /** Hears of each alert that was told, once. */
  readonly onTold: (rule: AlertRule, facts: AlertFacts) => void;
  readonly part?: number;
}

export type Raising = ReturnType<typeof createRaising>;

export function createRaising({ database: { transact }, tellWithin, onTold, part = PART }: RaisingOptions) {
  /** The rule's name if it was told now, null if it was folded or is not to be told. */
  async function raiseWithin(transaction: Transaction, happened: Happened): Promise<AlertRule | null> {
    const { rule, facts, seq, at, count } = happened;
    const settings = await readRule(transaction, rule);
    if (!settings.enabled) return null;
    if (await foldWithin(transaction, happened)) return null;
    const about = (await countOpen(transaction, rule)) < MOST_APART ? happened.about : THE_OTHERS;
    if (about === THE_OTHERS && (await foldWithin(transaction, { ...happened, about }))) return null;
    await transaction.$executeRaw`
      INSERT INTO alert (id, rule, about, seq, facts, count, told, happened_at, closes_at)
      VALUES (${uuidv7()}::uuid, ${rule}, ${about}, ${seq}::bigint, ${JSON.stringify(facts)}::jsonb, ${count}, ${count},
              ${at}, clock_timestamp() + ${WINDOW_MS} * interval '1 millisecond')`;
    await tellWithin(transaction, { rule, phase: 'first', count, at: at.toISOString(), seq, facts }, settings);
    return rule;
  }

  /** What was sealed since, up to a batch; whether there is more. */
  async function followWithin(transaction: Transaction): Promise<{ told: Told[]; more: boolean }> {
    const { stored, head } = await lockWithin(transaction);
    // A log that was restored from before goes on from there.
    const after = Math.min(stored, head);
    const end = Math.min(head, after + part);
    const events = await readWithin(transaction, after, end);
    const isFull = events.length === BATCH;
    const upTo = isFull ? (events.at(-1)?.seq ?? end) : end;
    const told: Told[] = [];
    for (const happened of folded(events)) {
      if (await raiseWithin(transaction, happened)) told.push(happened);
    }
    for (const event of events) if (event.type === 'sys_alert_tested') await testWithin(transaction, event);
    if (upTo !== stored) await transaction.$executeRaw`UPDATE alert_state SET seq = ${upTo}::bigint WHERE id = 1`;
    return { told, more: upTo < head };
  }

  async function testWithin(transaction: Transaction, { seq, detail, occurredAt }: RuledEvent): Promise<void> {
    const rule = String(detail['rule']);
    if (!isRule(rule)) return; // a newer version's
    const settings = await readRule(transaction, rule);
    const at = occurredAt.toISOString();
    await tellWithin(transaction, { rule, phase: 'test', count: 1, at, seq, facts: {} }, settings);
  }

  /** Tells what came within windows that have ended. */
  async function closeWithin(transaction: Transaction): Promise<void> {
    await lockWithin(transaction);
    const rows = await transaction.$queryRaw<UntoldRow[]>`
      UPDATE alert SET told = count FROM (
        SELECT id, count - told AS more FROM alert WHERE count > told AND closes_at <= clock_timestamp() LIMIT ${BATCH}) AS due
       WHERE alert.id = due.id
      RETURNING alert.id, rule, seq, facts, due.more, happened_at AS at`;
    for (const { rule, seq, facts, more: count, at } of rows) {
      const settings = isRule(rule) ? await readRule(transaction, rule) : null;
      if (!isRule(rule) || !settings?.enabled) continue;
      const told = {
        rule,
        phase: 'more',
        count,
        at: at.toISOString(),
        seq: seq === null ? null : Number(seq),
        facts,
      } as const;
      await tellWithin(transaction, told, settings);
    }
  }

  return {
    raiseWithin,

    /** Applies the rules to what was sealed since, and tells what has gathered. Two at once take turns. */
    async keepUp(): Promise<void> {
      for (let more = true; more; ) {
        const done = await transact(followWithin);
        for (const { rule, facts } of done.told) onTold(rule, facts);
        more = done.more;
      }
      await transact(closeWithin);
    },
  };
}

type Told = Pick<Happened, 'rule' | 'facts'>;

/** Whoever has the lock raises alone; `now` is PostgreSQL's. */
export async function lockWithin(transaction: Transaction): Promise<{ stored: number; head: number; now: Date }> {
  const [row] = await transaction.$queryRaw<{ seq: bigint; head: bigint; now: Date }[]>`
    SELECT seq, (SELECT seq FROM audit_head WHERE id = 1) AS head, clock_timestamp() AS now FROM alert_state WHERE id = 1 FOR UPDATE OF alert_state`;
  if (!row) throw new Error('alert_state has lost its row');
  return { stored: Number(row.seq), head: Number(row.head), now: row.now };
}

async function readWithin(transaction: Transaction, after: number, end: number): Promise<RuledEvent[]> {
  if (after >= end) return [];
  const rows = await transaction.$queryRaw<ReadEvent[]>`
    SELECT e.seq, e.type, e.subject_id AS subject, host(e.ip) AS ip, e.detail, e.occurred_at AS "occurredAt",
           coalesce(u.role = 'operator', false) AS "ofOperator"
      FROM audit_event AS e LEFT JOIN user_account AS u ON u.id = e.subject_id AND u.deleted_at IS NULL
     WHERE e.seq > ${after}::bigint AND e.seq <= ${end}::bigint AND e.type = ANY (${[...RULED_TYPES]})
       AND e.detail -> 'made_up' IS NULL
     ORDER BY e.seq LIMIT ${BATCH}`;
  return rows.map(({ seq, ...event }) => ({
    ...event,
    seq: Number(seq),
    client: event.ip === null ? null : clientKey(event.ip),
  }));
}

/** One a rule and matter, as its newest event has it. */
function folded(events: readonly RuledEvent[]): Happened[] {
  const all = new Map<string, Happened>();
  for (const event of events) {
    const ruled = ruleOf(event);
    if (!ruled) continue;
    const key = JSON.stringify([ruled.rule, ruled.about]);
    const count = (all.get(key)?.count ?? 0) + 1;
    all.set(key, { ...ruled, seq: event.seq, at: event.occurredAt, count });
  }
  return [...all.values()];
}

/** Counts it in the row whose window is open; false if there is none. */
async function foldWithin(
  transaction: Transaction,
  { rule, about, facts, seq, at, count }: Happened,
): Promise<boolean> {
  const updated = await transaction.$executeRaw`
    UPDATE alert SET count = count + ${count}, seq = ${seq}::bigint, facts = ${JSON.stringify(facts)}::jsonb, happened_at = ${at}
     WHERE rule = ${rule} AND about = ${about} AND closes_at > clock_timestamp()`;
  return updated > 0;
}

async function countOpen(transaction: Transaction, rule: AlertRule): Promise<number> {
  const [row] = await transaction.$queryRaw<{ open: number }[]>`
    SELECT count(*)::int AS open FROM alert WHERE rule = ${rule} AND closes_at > clock_timestamp()`;
  return row?.open ?? 0;
}
