// Where the log is sent to: how far each receiver is, its newest error, and the acts on it. Where to, only the worker's file says.
import type Router from '@koa/router';
import type Koa from 'koa';
import type { ListedDrain } from '../../core/shipping/drains.ts';
import { HttpError } from '../http/http-error.ts';
import { requireConsole } from '../session/access.ts';
import type { Times } from '../texts/zoned-times.ts';
import type { ShownDrain } from '../view/drain-views.ts';
import { doneNotice, timesOf, type Web } from '../view/page.ts';
import { counted } from './applications/find.ts';
import { type RegistryAct, registryAct } from './applications/registry-act.ts';

const PATH = '/operator/drains';
const UNCHANGED = 'Somebody else was faster. Nothing was changed.';

export function drainsPages(router: Router, web: Web): void {
  router.get(PATH, requireConsole(web.context), (ctx) => show(ctx, web));
  const find = (ctx: Koa.Context) => findDrain(ctx, web);
  const act = (name: string, more: Omit<RegistryAct<ListedDrain>, 'path' | 'current' | 'find'>) =>
    registryAct(router, web, { path: `${PATH}/:name/${name}`, current: 'drains', find, ...more });
  act('pause', {
    shown: ({ name }) => ({
      title: `Pause ${name}`,
      says: 'Nothing is sent to it until it is resumed. The log keeps what waits, as long as it keeps events.',
      button: 'Pause it',
      danger: true,
      back: PATH,
    }),
    run: async ({ context: { drains } }, { name }, { by }) =>
      (await drains.pause(name, by)) ? { to: `${PATH}?done=drain-paused` } : { problem: UNCHANGED },
  });
  act('resume', {
    shown: ({ name }) => ({
      title: `Resume ${name}`,
      says: 'It gets what has waited, in order, and then what is sealed.',
      button: 'Resume it',
      danger: false,
      back: PATH,
    }),
    run: async ({ context: { drains } }, { name }, { by }) =>
      (await drains.resume(name, by)) ? { to: `${PATH}?done=drain-resumed` } : { problem: UNCHANGED },
  });
  act('rewind', {
    shown: ({ name, seq }) => ({
      title: `Send again to ${name}`,
      says: 'The receiver gets every event again from that number on. It must know how to drop what it has.',
      facts: [{ label: 'Sent up to', value: `event ${seq.toLocaleString('en')}` }],
      fields: [{ name: 'from', label: 'First event', type: 'text', hint: 'Its number, as in the log.' }],
      button: 'Send again',
      danger: true,
      back: PATH,
    }),
    run: async ({ context: { drains } }, { name }, { fields, by }) => {
      const typed = (fields['from'] ?? '').trim();
      if (!/^\d{1,15}$/.test(typed)) return { errors: { from: 'This is not the number of an event.' } };
      const rewound = await drains.rewind(name, Number(typed), by);
      if (rewound.ok) return { to: `${PATH}?done=drain-rewound` };
      if (rewound.reason === 'unknown_drain') return { problem: UNCHANGED };
      const { first, last } = rewound;
      return {
        errors: {
          from: last < first ? 'Nothing that the log has was sent yet.' : `It has had the events ${first} to ${last}.`,
        },
      };
    },
  });
}

/** @throws HttpError 404 */
async function findDrain(ctx: Koa.Context, { context }: Web): Promise<ListedDrain> {
  const name: unknown = ctx['params'].name;
  const found = (await context.drains.list()).find((drain) => drain.name === name);
  if (!found) throw new HttpError(404, 'no_drain');
  return found;
}

async function show(ctx: Koa.Context, web: Web): Promise<void> {
  const times = timesOf(ctx);
  const drains = (await web.context.drains.list()).map((drain) => shownDrain(drain, times));
  const page = { drains, count: counted(drains.length, 'drain'), asOf: times.clock(times.now) };
  const frame = { title: 'Drains', current: 'drains', wide: true, notice: doneNotice(ctx) } as const;
  await web.show(ctx, 'operator/drains', page, frame);
}

function shownDrain(drain: ListedDrain, times: Times): ShownDrain {
  const { name, seq, sentAt, lastError, failedAt, pausedAt } = drain;
  const href = `${PATH}/${name}`;
  const pause = pausedAt
    ? { label: 'Resume', href: `${href}/resume`, danger: false }
    : { label: 'Pause', href: `${href}/pause`, danger: true };
  return {
    name,
    target: drain.target,
    format: drain.format,
    ...stateOf(drain),
    sentTo: seq === 0 ? null : { number: seq.toLocaleString('en'), href: `/operator/audit/${seq}` },
    sentAt: sentAt && times.prose(sentAt),
    behind: behindOf(drain),
    error: lastError !== null && failedAt !== null ? { words: lastError, at: times.prose(failedAt) } : null,
    acts: [pause, { label: 'Send again', href: `${href}/rewind`, danger: false }],
  };
}

/** The first of these that holds. */
function stateOf({ pausedAt, served, failures, againFrom }: ListedDrain): Pick<ShownDrain, 'state' | 'wrong'> {
  if (pausedAt) return { state: 'Paused', wrong: true };
  if (!served) return { state: 'No running worker has it in its file', wrong: true };
  if (failures > 0) return { state: `Tried again after ${counted(failures, 'failure')}`, wrong: true };
  if (againFrom !== null) return { state: `Begins again at event ${againFrom.toLocaleString('en')}`, wrong: false };
  return { state: 'Goes on', wrong: false };
}

function behindOf({ behind, lagSeconds }: ListedDrain): string | null {
  if (behind === 0) return null;
  const minutes = Math.floor(lagSeconds / 60);
  const long = minutes < 120 ? counted(minutes, 'minute') : counted(Math.floor(minutes / 60), 'hour');
  return `${counted(behind, 'event')}, the oldest for ${minutes === 0 ? 'less than a minute' : long}`;
}
