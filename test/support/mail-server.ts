// A real SMTP server for the tests. It keeps what it was given and reads it as a mailbox would; it can refuse, be slow, or
// go away and come back on the same port.
import type { AddressInfo } from 'node:net';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { until } from '../../harness/until.ts';

export interface ReceivedMail {
  readonly to: readonly string[];
  /** It came by a connection that was encrypted. */
  readonly secure: boolean;
  readonly raw: string;
  readonly email: Email;
  /** The address of the first link with a token. */
  readonly link: string | null;
}

/** What the server says to a recipient before it takes a mail; null takes it. */
export type Answer = (recipient: string) => { readonly code: number; readonly message: string } | null;

export interface MailServer {
  readonly url: string;
  readonly received: readonly ReceivedMail[];
  /** Connections so far. */
  connections(): number;
  answerWith(answer: Answer | null): void;
  /** Called after a mail was read and before it is acknowledged. */
  beforeTaking(work: (() => Promise<void>) | null): void;
  /** The newest mail to an address, waited for; `after` skips that many. `send` has what waits sent meanwhile. */
  mailTo(address: string, after?: number, send?: () => Promise<unknown>): Promise<ReceivedMail>;
  mailsTo(address: string): readonly ReceivedMail[];
  countTo(address: string): number;
  stop(): Promise<void>;
  startAgain(): Promise<void>;
}

/** With `startTls` it offers to encrypt, with a certificate that nobody vouches for. */
export async function startMailServer({ startTls = false } = {}): Promise<MailServer> {
  const received: ReceivedMail[] = [];
  let answer: Answer | null = null;
  let before: (() => Promise<void>) | null = null;
  let connections = 0;
  let server = await listen(0);
  const { port } = server.server.address() as AddressInfo;

  function listen(on: number): Promise<SMTPServer> {
    const smtp = new SMTPServer({
      authOptional: true,
      disabledCommands: startTls ? ['AUTH'] : ['AUTH', 'STARTTLS'],
      logger: false,
      closeTimeout: 500,
      onConnect(_session, done) {
        connections += 1;
        done();
      },
      onRcptTo({ address }, _session, done) {
        const refusal = answer?.(address) ?? null;
        done(refusal ? Object.assign(new Error(refusal.message), { responseCode: refusal.code }) : null);
      },
      onData(stream, session, done) {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const to = session.envelope.rcptTo.map(({ address }) => address);
          take(Buffer.concat(chunks), to, session.secure).then(
            () => done(),
            (error: Error) => done(error),
          );
        });
      },
    });
    return new Promise((resolve, reject) => {
      smtp.once('error', reject);
      smtp.listen(on, '127.0.0.1', () => {
        smtp.off('error', reject);
        smtp.on('error', () => undefined); // a client that breaks off is what some tests are about
        resolve(smtp);
      });
    });
  }

  async function take(message: Buffer, to: readonly string[], secure: boolean): Promise<void> {
    const email = await PostalMime.parse(message);
    const link = /https?:\/\/\S+\?token=\S+/.exec(email.text ?? '')?.[0] ?? null;
    received.push({ to, secure, raw: message.toString('utf8'), email, link });
    await before?.();
  }

  const mailsTo = (address: string) => received.filter(({ to }) => to.includes(address));
  return {
    url: `smtp://127.0.0.1:${port}`,
    received,
    connections: () => connections,
    answerWith(next) {
      answer = next;
    },
    beforeTaking(work) {
      before = work;
    },
    async mailTo(address, after = 0, send = async () => undefined) {
      await until(async () => {
        if (mailsTo(address).length <= after) await send();
        return mailsTo(address).length > after;
      }, 30_000);
      const mail = mailsTo(address).at(-1);
      if (!mail) throw new Error(`no mail to ${address}`);
      return mail;
    },
    mailsTo,
    countTo: (address) => mailsTo(address).length,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
    async startAgain() {
      server = await listen(port);
    },
  };
}
