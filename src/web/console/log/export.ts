// The filtered log as a file, oldest event first, streamed in constant memory. It is recorded
// before the first byte and when it ends, and stops when its reader leaves or the session ends.

import { Readable } from 'node:stream';
import type Router from '@koa/router';
import type Koa from 'koa';
import type { ExportFormat } from '../../../core/audit/reading/export.ts';
import { type BegunExport, beginExport } from '../../../core/audit/reading/recorded-export.ts';
import { seesConsole } from '../../../core/sessions/role.ts';
import { HttpError } from '../../http/http-error.ts';
import { isLedByAnotherSite, queryText } from '../../http/query.ts';
import { seeOther } from '../../http/redirect.ts';
import { requireConsole, requireRecentLogin } from '../../session/access.ts';
import { chargeAct } from '../../session/acts.ts';
import { actorOf } from '../../session/member.ts';
import type { Web } from '../../view/page.ts';
import { AUDIT_PATH, auditHref, readFilterAlone } from './filter.ts';
import { subjectsOf } from './subjects.ts';

export const EXPORT_PATH = `${AUDIT_PATH}/export`;

const TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson; charset=utf-8',
};

export function exportPage(router: Router, web: Web): void {
  const { users, sessionCache, log } = web.context;

  router.get(EXPORT_PATH, requireConsole(web.context), requireRecentLogin(web.context), async (ctx) => {
    const format = readFormat(ctx);
    const { asked, filter, problems } = await readFilterAlone(ctx, users);
    // It leaves events and is one of the operator's acts: a link of another site leads to the page that offers it.
    if (isLedByAnotherSite(ctx)) return seeOther(ctx, auditHref(asked));
    if (format === null || Object.keys(problems).length > 0) throw new HttpError(422, 'bad_export');
    if (ctx.method === 'HEAD') {
      describe(ctx, format);
      ctx.status = 200;
      return;
    }
    await chargeAct(ctx, web.context);
    const subject = (await subjectsOf(filter, web.context))[0] ?? null;
    const begun = await beginExport(web.context, { filter, format, about: { ...actorOf(ctx), subject } });
    describe(ctx, format);
    // Read only as fast as it is sent; Koa destroys it when the reader leaves.
    const body = Readable.from(parts(begun, ctx.state.cookie?.token ?? ''), {
      objectMode: false,
      highWaterMark: 256 * 1024,
    });
    // A reader who left before the first part was read: the parts never began.
    body.once('close', () => void breakOff(begun));
    ctx.body = body;
  });

  /** A slow reader can make an export last, so each part checks the session again. Its end is recorded before the last byte. */
  async function* parts(begun: BegunExport, token: string): AsyncGenerator<Uint8Array> {
    try {
      for await (const { bytes } of begun.parts) {
        const reading = await sessionCache.read(token);
        if (reading.state !== 'live' || !seesConsole(reading.owner.role)) throw new Error('its session has ended');
        yield bytes;
      }
      await begun.end('success');
    } catch (error) {
      // Cut the answer, so that half a file is not taken for a whole one.
      log.warn({ err: error }, 'an export broke off');
      throw error;
    } finally {
      await breakOff(begun);
    }
  }

  /** Records that it failed, unless how it ended is recorded already. */
  async function breakOff({ end }: BegunExport): Promise<void> {
    await end('failure').catch((error: unknown) => log.warn({ err: error }, 'the end of an export is not recorded'));
  }
}

/** What proves an NDJSON export; null where the log tells of no key. */
export function verifyCommand(publicKey: string | null): string {
  return `holdfast audit verify --file FILE --public-key ${publicKey ?? 'KEY'}`;
}

function readFormat(ctx: Koa.Context): ExportFormat | null {
  const format = queryText(ctx, 'format');
  return format === 'csv' || format === 'ndjson' ? format : null;
}

function describe(ctx: Koa.Context, format: ExportFormat): void {
  ctx.compress = false; // its buffers would hold the rows back
  ctx.type = TYPES[format];
  ctx.attachment(
    `audit-${ctx.state.now
      .toISOString()
      .replace(/\.\d+Z$/, 'Z')
      .replaceAll(':', '')}.${format}`,
  );
  ctx.type = TYPES[format];
}
