// The console's overview: each number links to its source, and shows when that is away.
import type Router from '@koa/router';
import { COUNTED_TO, type Logins, type Overview } from '../../core/overview.ts';
import { requireConsole } from '../session/access.ts';
import type { Times } from '../texts/zoned-times.ts';
import type { Figure } from '../view/console-views.ts';
import { doneNotice, timesOf, type Web } from '../view/page.ts';
import type { Views } from '../view/views.ts';

const PATH = '/operator';
/** A running worker seals within two seconds. */
const LATE_MS = 10_000;

const DAY_MS = 86_400_000;

const number = (value: number) => value.toLocaleString('en');

export function overviewPage(router: Router, web: Web): void {
  const { readOverview, endAllSessions } = web.context;

  router.get(PATH, requireConsole(web.context), async (ctx) => {
    const [overview, last] = await Promise.all([readOverview(), endAllSessions.newest().catch(() => null)]);
    const times = timesOf(ctx);
    const page: Views['operator/overview'] = {
      asOf: times.clock(times.now),
      people: peopleFigures(overview, times),
      recording: recordingFigures(overview, times, web.context.mail.possible),
      stores: storeFigures(overview),
      everybody: last && { at: times.prose(last.at), ended: number(last.ended), done: last.done },
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

function peopleFigures({ sessions, logins, activeBlocks }: Overview, times: Times): Figure[] {
  const blocks = activeBlocks === null ? null : number(activeBlocks);
  return [
    {
      label: 'Sessions now',
      value: sessions && `${sessions.exact ? '' : 'about '}${number(sessions.count)}`,
      note: 'people who are logged in, each browser once',
      href: '/operator/audit?type=session_created',
    },
    loginFigure('Log-ins today', 'successes', logins, times),
    loginFigure('Failed log-ins today', 'failures', logins, times),
    {
      label: 'Active blocks',
      value: blocks,
      note: activeBlocks === 0 ? 'nobody is shut out' : 'each ends by itself',
      href: '/operator/blocks',
    },
  ];
}

function loginFigure(label: string, kind: keyof Logins, logins: Overview['logins'], times: Times): Figure {
  const weekday = times.now.toLocaleDateString('en-GB', { weekday: 'long', timeZone: times.zone });
  const midnight = new Date(Math.floor(times.now.getTime() / DAY_MS) * DAY_MS);
  const since = times.clock(midnight).text.replace(/:00$/, '');
  const outcome = kind === 'successes' ? 'success' : 'failure';
  const at = logins?.weekAgo[kind] ?? 0;
  return {
    label,
    value: logins && number(logins.today[kind]),
    note: `${number(at)} by this time last ${weekday}; the day is that of UTC, since ${since}`,
    href: `/operator/attempts?outcome=${outcome}`,
  };
}

function recordingFigures({ outbox, head, checkpoint, mails }: Overview, times: Times, mailSetUp: boolean): Figure[] {
  const many = outbox && outbox.waiting > COUNTED_TO;
  const late = outbox?.oldest ? times.now.getTime() - outbox.oldest.getTime() > LATE_MS : false;
  return [
    {
      label: 'Events waiting to be sealed',
      value: outbox && (many ? `more than ${number(COUNTED_TO)}` : number(outbox.waiting)),
      note: late ? 'late: see that the worker runs. The oldest waits since' : outbox?.oldest ? 'the oldest since' : '',
      time: outbox?.oldest ? times.prose(outbox.oldest) : null,
      href: '/operator/queues',
      wrong: late,
    },
    {
      label: 'Last sealed event',
      value: head && `No. ${number(head.seq)}`,
      note: 'sealed',
      time: head && head.seq > 0 ? times.prose(head.sealedAt) : null,
      href: '/operator/audit',
    },
    checkpointFigure(checkpoint, times),
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

function checkpointFigure(checkpoint: Overview['checkpoint'], times: Times): Figure {
  const label = 'Last signed checkpoint';
  const value = checkpoint && (checkpoint.seq > 0 ? `No. ${number(checkpoint.seq)}` : 'none yet');
  if (checkpoint?.alarm) {
    const note = `the log was altered: none is signed since event No. ${number(checkpoint.alarm)}`;
    return { label, value, note, href: `/operator/audit/${checkpoint.alarm}`, wrong: true };
  }
  if (!checkpoint?.seq) {
    return { label, value, note: 'the worker signs one when events have come', href: '/operator/audit' };
  }
  const time = times.prose(checkpoint.madeAt);
  return { label, value, note: 'proves the log up to there; signed', time, href: `/operator/audit/${checkpoint.seq}` };
}

/** Only where they have Redis of their own. */
function sessionStoreFigures(stores: Overview['sessionStores']): Figure[] {
  const away = stores.filter(({ ms }) => ms === null).map(({ name }) => name);
  const slowest = Math.max(...stores.map(({ ms }) => ms ?? 0));
  if (stores.length === 0) return [];
  return [
    {
      label: 'Redis with sessions',
      value:
        away.length > 0 ? `${number(away.length)} of ${number(stores.length)} away` : `${number(stores.length)} answer`,
      note:
        away.length > 0 ? `${away.join(', ')}: pages go on from PostgreSQL` : `the slowest in ${number(slowest)} ms`,
      href: '/readyz',
      wrong: away.length > 0,
    },
  ];
}

function storeFigures({ postgresMs, redisMs, sessionStores, workers, rewound }: Overview): Figure[] {
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
    ...sessionStoreFigures(sessionStores),
    {
      label: 'Workers',
      value: workers === null ? null : number(workers),
      note: workers === 0 ? 'none: events wait, and nothing is cleaned up' : 'seal the log and clean up',
      href: '/operator/queues',
      wrong: workers === 0,
    },
  ];
}
