// The console's overview: each number links to its source, and shows when that is away.
import type Router from '@koa/router';
import { COUNTED_TO, type Logins, type Overview } from '../../core/overview.ts';
import { requireOperator } from '../session/access.ts';
import { showTime } from '../texts/times-and-devices.ts';
import type { Figure } from '../view/console-views.ts';
import { doneNotice, type Web } from '../view/page.ts';
import type { Views } from '../view/views.ts';

const PATH = '/operator';
/** A running worker seals within two seconds. */
const LATE_MS = 10_000;

const weekday = new Intl.DateTimeFormat('en', { timeZone: 'UTC', weekday: 'long' });
const number = (value: number) => value.toLocaleString('en');

export function overviewPage(router: Router, web: Web): void {
  const { readOverview, endAllSessions } = web.context;

  router.get(PATH, requireOperator(web.context), async (ctx) => {
    const [overview, last] = await Promise.all([readOverview(), endAllSessions.newest().catch(() => null)]);
    const { now } = ctx.state;
    const page: Views['operator/overview'] = {
      asOf: showTime(now, now),
      people: peopleFigures(overview, now),
      recording: recordingFigures(overview, now, web.context.mail.possible),
      stores: storeFigures(overview),
      everybody: last && { at: showTime(last.at, now), ended: number(last.ended), done: last.done },
      queues: overview.queues,
    };
    await web.show(ctx, 'operator/overview', page, {
      title: 'Overview',
      current: 'overview',
      wide: true,
      notice: doneNotice(ctx),
    });
  });
}

function peopleFigures({ sessions, logins, activeBlocks }: Overview, now: Date): Figure[] {
  const blocks = activeBlocks === null ? null : number(activeBlocks);
  return [
    {
      label: 'Sessions now',
      value: sessions && `${sessions.exact ? '' : 'about '}${number(sessions.count)}`,
      note: 'people who are logged in, each browser once',
      href: '/operator/audit?type=session_created',
    },
    loginFigure('Log-ins today', 'successes', logins, now),
    loginFigure('Failed log-ins today', 'failures', logins, now),
    {
      label: 'Active blocks',
      value: blocks,
      note: activeBlocks === 0 ? 'nobody is shut out' : 'each ends by itself',
      href: '/operator/blocks',
    },
  ];
}

function loginFigure(label: string, kind: keyof Logins, logins: Overview['logins'], now: Date): Figure {
  const outcome = kind === 'successes' ? 'success' : 'failure';
  const at = logins?.weekAgo[kind] ?? 0;
  return {
    label,
    value: logins && number(logins.today[kind]),
    note: `${number(at)} by this time last ${weekday.format(now)}, from midnight UTC`,
    href: `/operator/attempts?outcome=${outcome}`,
  };
}

function recordingFigures({ outbox, head, checkpoint, mails }: Overview, now: Date, mailSetUp: boolean): Figure[] {
  const many = outbox && outbox.waiting > COUNTED_TO;
  const late = outbox?.oldest ? now.getTime() - outbox.oldest.getTime() > LATE_MS : false;
  return [
    {
      label: 'Events waiting to be sealed',
      value: outbox && (many ? `more than ${number(COUNTED_TO)}` : number(outbox.waiting)),
      note: late ? 'late: see that the worker runs. The oldest waits since' : outbox?.oldest ? 'the oldest since' : '',
      time: outbox?.oldest ? showTime(outbox.oldest, now) : null,
      href: '/operator/queues',
      wrong: late,
    },
    {
      label: 'Last sealed event',
      value: head && `No. ${number(head.seq)}`,
      note: 'sealed',
      time: head && head.seq > 0 ? showTime(head.sealedAt, now) : null,
      href: '/operator/audit',
    },
    checkpointFigure(checkpoint, now),
    {
      label: 'Mails that failed',
      value: mails && number(mails.failed),
      note: mailSetUp ? `within a day; ${number(mails?.due ?? 0)} due now` : 'no mail is set up',
      href: '/operator/mail',
      wrong: (mails?.failed ?? 0) > 0,
    },
  ];
}

function postgresNote(answersMs: number | null, rewound: boolean): string {
  if (answersMs === null) return 'pages go on from Redis; nobody can log in';
  return rewound ? 'has gone back in time: sessions, or their ends, were lost' : 'the truth';
}

function checkpointFigure(checkpoint: Overview['checkpoint'], now: Date): Figure {
  const label = 'Last signed checkpoint';
  const value = checkpoint && (checkpoint.seq > 0 ? `No. ${number(checkpoint.seq)}` : 'none yet');
  if (checkpoint?.alarm) {
    const note = `the log was altered: none is signed since event No. ${number(checkpoint.alarm)}`;
    return { label, value, note, href: `/operator/audit/${checkpoint.alarm}`, wrong: true };
  }
  if (!checkpoint?.seq) {
    return { label, value, note: 'the worker signs one when events have come', href: '/operator/audit' };
  }
  const time = showTime(checkpoint.madeAt, now);
  return { label, value, note: 'proves the log up to there; signed', time, href: `/operator/audit/${checkpoint.seq}` };
}

function storeFigures({ postgresMs, redisMs, workers, rewound }: Overview): Figure[] {
  const answers = (ms: number | null) => (ms === null ? 'away' : `answers in ${number(ms)} ms`);
  return [
    {
      label: 'PostgreSQL',
      value: answers(postgresMs),
      note: postgresNote(postgresMs, rewound),
      href: '/readyz',
      wrong: postgresMs === null || rewound,
    },
    {
      label: 'Redis',
      value: answers(redisMs),
      note: redisMs === null ? 'pages go on from PostgreSQL, slower' : 'the speed',
      href: '/readyz',
      wrong: redisMs === null,
    },
    {
      label: 'Workers',
      value: workers === null ? null : number(workers),
      note: workers === 0 ? 'none: events wait, and nothing is cleaned up' : 'seal the log and clean up',
      href: '/operator/queues',
      wrong: workers === 0,
    },
  ];
}
