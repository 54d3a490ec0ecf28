// `session show`: one session from log-in to end, as the console shows it.
import { createAccountLookup } from '../../core/accounts/account-lookup.ts';
import { readSessionTimeline, type SessionOfLogin } from '../../core/sessions/session-timeline.ts';
import { printEvents } from '../audit/event-lines.ts';
import { withPool } from '../connect.ts';
import type { AsJson } from '../terminal/list.ts';
import { say, sayJson } from '../terminal/output.ts';
import { printable } from '../terminal/print.ts';

const HEADINGS = {
  id: 'id',
  email: 'e-mail address',
  application: 'application',
  authenticationMethod: 'logged in by',
  ip: 'IP address',
  userAgent: 'browser',
  loggedInAt: 'logged in',
  createdAt: 'began',
  lastSeenAt: 'last seen',
  endedAt: 'ended',
  endReason: 'why',
} as const satisfies Partial<Record<keyof SessionOfLogin, string>>;

const KEYS = Object.keys(HEADINGS) as (keyof typeof HEADINGS)[];

export async function show(sessionId: string, how: AsJson): Promise<void> {
  await withPool(async (pool) => {
    const { sessions, userId, before, inside, meanwhile, cut } = await readSessionTimeline(pool, sessionId);
    if (userId === null) throw new Error('There is no such session, or nothing of it is kept.');
    for (const session of sessions) describe(session, sessionId, how);
    const events = [...before, ...inside, ...meanwhile].sort((one, other) => one.seq - other.seq);
    await printEvents(createAccountLookup({ pool }), how)(events);
    if (cut && !how.json) say('The log holds more of it: audit export --session has everything.');
  });
}

/** The one that was asked for first of all; the others of its log-in say which they are. */
function describe(session: SessionOfLogin, asked: string, { json }: AsJson): void {
  if (json) {
    sayJson(Object.fromEntries(KEYS.map((key) => [key, session[key]])));
    return;
  }
  say(session.id === asked ? 'The session' : 'Another session of the same log-in');
  for (const key of KEYS) say(`  ${HEADINGS[key].padEnd(16)}${textOf(session[key])}`.trimEnd());
}

function textOf(value: string | Date | null): string {
  if (value === null) return '-';
  return value instanceof Date ? value.toISOString() : printable(value);
}
