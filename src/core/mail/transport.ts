// Sends mail to an SMTP server or, outside production and without one, to a short list in Redis
// that /dev/mail shows. Tells the answers apart: taken, not now, never, or the server is away.
import type { Redis } from 'ioredis';
import type { Transporter } from 'nodemailer';
import type { Database } from '../platform/database.ts';
import { keys } from '../platform/redis.ts';
import type { Mailbox, MailPolicy } from './outgoing-mail.ts';
import type { RenderedMail } from './rendering.ts';

export interface OutgoingMail extends RenderedMail {
  /** Makes the Message-ID, the same at every attempt, so that a mailbox can recognise a copy. */
  readonly id: string;
  readonly to: string;
}

export interface ShownMail extends OutgoingMail {
  readonly from: string;
  readonly at: string;
}

export type Delivery =
  | { readonly state: 'sent' }
  /** `outage`: not about this mail, the next would fail too. */
  | { readonly state: 'refused' | 'deferred' | 'outage'; readonly error: string; readonly code: string };

export type Deliver = (mail: OutgoingMail) => Promise<Delivery>;

const CONNECT_TIMEOUT_MS = 10_000;
const SILENCE_TIMEOUT_MS = 20_000;
/** For a whole delivery. */
export const DELIVERY_TIMEOUT_MS = 45_000;
const SHOWN_AT_MOST = 50;
const SHOWN_SECONDS = 86_400;
const LONGEST_ERROR = 300;

export interface MailTransportOptions {
  readonly policy: MailPolicy;
  readonly redis: Redis;
  readonly database: Pick<Database, 'clock'>;
  readonly publicOrigin: string;
  readonly production: boolean;
}

/** Null where mail can't be sent. */
export function createMailTransport({
  policy: { smtpUrl, from, shown },
  redis,
  database: { clock },
  publicOrigin,
  production,
}: MailTransportOptions): Deliver | null {
  if (smtpUrl !== null) return bySmtp({ smtpUrl, from, publicOrigin, production });
  return shown ? (mail) => show(redis, { ...mail, from: from.address, at: clock.now().toISOString() }) : null;
}

/** Newest first. Throws if Redis is away. */
export async function shownMail(redis: Redis): Promise<ShownMail[]> {
  return (await redis.lrange(keys.shownMail, 0, SHOWN_AT_MOST - 1)).map((entry) => JSON.parse(entry) as ShownMail);
}

async function show(redis: Redis, entry: ShownMail): Promise<Delivery> {
  const answers = await redis
    .multi()
    .lpush(keys.shownMail, JSON.stringify(entry))
    .ltrim(keys.shownMail, 0, SHOWN_AT_MOST - 1)
    .expire(keys.shownMail, SHOWN_SECONDS)
    .exec()
    .catch(() => null);
  return answers ? { state: 'sent' } : { state: 'outage', error: 'Redis is away', code: 'EREDIS' };
}

function bySmtp({
  smtpUrl,
  from,
  publicOrigin,
  production,
}: {
  smtpUrl: string;
  from: Mailbox;
  publicOrigin: string;
  production: boolean;
}): Deliver {
  const url = new URL(smtpUrl);
  // A mail can open an account: in production it is encrypted, unless the URL says otherwise.
  const mustEncrypt = production && url.protocol === 'smtp:' && !url.searchParams.has('requireTLS');
  // Imported by the worker alone, when it first sends.
  const open = async (): Promise<Transporter> =>
    (await import('nodemailer')).createTransport({
      url: smtpUrl,
      ...(mustEncrypt ? { requireTLS: true } : {}),
      connectionTimeout: CONNECT_TIMEOUT_MS,
      greetingTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SILENCE_TIMEOUT_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  let transport: Promise<Transporter> | undefined;
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1) || new URL(publicOrigin).hostname;
  return async ({ id, to, subject, text, html }) => {
    transport ??= open();
    try {
      await (await transport).sendMail({
        from,
        to: { name: '', address: to },
        subject,
        text,
        html,
        messageId: `<${id}@${domain}>`,
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
        signal: AbortSignal.timeout(DELIVERY_TIMEOUT_MS),
      });
      return { state: 'sent' };
    } catch (error) {
      return failureOf(error as SmtpError);
    }
  };
}

interface SmtpError extends Error {
  readonly code?: string;
  readonly command?: string;
  readonly responseCode?: number;
}

/** Only an answer about the recipient or the message is about this mail. */
function failureOf({ message, code, command, responseCode }: SmtpError): Delivery {
  const error = message.replace(/\p{Cc}+/gu, ' ').slice(0, LONGEST_ERROR);
  const told = { error, code: responseCode ? String(responseCode) : (code ?? 'unknown') };
  const ofThisMail = code === 'EENVELOPE' || code === 'EMESSAGE';
  if (!ofThisMail || responseCode === undefined || command === 'MAIL FROM') return { state: 'outage', ...told };
  return { state: responseCode >= 500 ? 'refused' : 'deferred', ...told };
}
