// The audit log as operators read it, page by page.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type AuditEventType, NO_ORIGIN } from '../../src/core/audit/events.ts';
import { recordEvent } from '../../src/core/audit/outbox.ts';
import { Browser, newEmail } from '../support/app.ts';
import { filledLog } from '../support/filled-log.ts';
import { linkTo } from '../support/page.ts';
import { world } from '../support/world.ts';

const { web, worker, sql, tamper } = await world({ worker: true });

const { emptyLog } = filledLog({ sql, tamper });

describe('the page', () => {
  let operator: Browser;
  let operatorEmail: string;
  let otherEmail: string;

  beforeAll(async () => {
    await emptyLog();
    operator = new Browser(web.url);
    operatorEmail = newEmail();
    otherEmail = newEmail();
    await operator.register(operatorEmail);
    await new Browser(web.url).register(otherEmail);
    const chief = await web.context.users.findByEmail(operatorEmail);
    await web.context.users.setRole(chief?.id ?? '', 'operator', { actor: null, origin: NO_ORIGIN });
    await operator.logIn(operatorEmail);
    await worker.sealing.seal();
    await emptyLog();
    const other = await web.context.users.findByEmail(otherEmail);
    // 130 events: every tenth is the other person's, done or suffered; the rest is nobody's.
    for (let n = 1; n <= 130; n += 1) {
      const type: AuditEventType = n % 2 ? 'authn_login_fail' : 'session_created';
      const whose =
        n % 10 === 0
          ? { actor: n % 20 ? null : (other?.id ?? null), subject: other?.id ?? null }
          : { actor: null, subject: null };
      await web.context.database.prisma.$transaction((transaction) =>
        recordEvent(transaction, { type, outcome: 'success', ...whose, origin: NO_ORIGIN, detail: { n } }),
      );
    }
    await worker.sealing.seal();
  });

  const seqsOf = (html: string) => [...html.matchAll(/id="event-(\d+)"/g)].map(([, seq]) => Number(seq));
  const down = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, index) => from - index);
  const open = async (path: string) => {
    const response = await operator.get(path);
    expect(response.status).toBe(200);
    return response.text;
  };

  test('shows the newest first, and leads to the end and back without leaving one out', async () => {
    const first = await open('/operator/audit');
    expect(seqsOf(first)).toEqual(down(130, 81));
    expect(first).toContain('130 in the log');
    expect([linkTo(first, 'Newer'), linkTo(first, 'Newest')]).toEqual([undefined, undefined]);
    const middle = await open(linkTo(first, 'Older') ?? '');
    expect(seqsOf(middle)).toEqual(down(80, 31));
    const last = await open(linkTo(middle, 'Older') ?? '');
    expect(seqsOf(last)).toEqual(down(30, 1));
    expect(linkTo(last, 'Older')).toBeUndefined();
    const back = await open(linkTo(last, 'Newer') ?? '');
    expect(seqsOf(back)).toEqual(down(80, 31));
    const top = await open(linkTo(back, 'Newer') ?? '');
    expect(seqsOf(top)).toEqual(down(130, 81));
    expect(linkTo(top, 'Newer')).toBeUndefined();
    expect(linkTo(top, 'Newest')).toBe('/operator/audit');
  });

  test('stays where it is while more is written', async () => {
    const older = linkTo(await open('/operator/audit'), 'Older') ?? '';
    await web.context.record({
      type: 'sys_startup',
      outcome: 'success',
      actor: null,
      subject: null,
      origin: NO_ORIGIN,
    });
    await worker.sealing.seal();
    expect(seqsOf(await open(older))).toEqual(down(80, 31));
    expect(seqsOf(await open('/operator/audit'))[0]).toBe(131);
  });

  test('is filtered by type', async () => {
    const page = await open('/operator/audit?type=authn_login_fail');
    const seqs = seqsOf(page);
    expect(seqs).toHaveLength(50);
    expect(seqs.every((seq) => seq % 2 === 1)).toBe(true);
    expect(page).toContain('65 match');
    expect(page).toContain('<option value="authn_login_fail" selected>');
    const older = linkTo(page, 'Older') ?? '';
    expect(new URLSearchParams(older.split('?')[1]).get('type')).toBe('authn_login_fail');
    expect(seqsOf(await open(older))).toHaveLength(15);
  });

  test('is filtered by person, whatever they did or suffered, each once, and by both', async () => {
    const mine = down(13, 1).map((tenth) => tenth * 10);
    const byEmail = `/operator/audit?person=${encodeURIComponent(otherEmail.toUpperCase())}`;
    expect(seqsOf(await open(byEmail))).toEqual(mine);
    const id = (await web.context.users.findByEmail(otherEmail))?.id ?? '';
    expect(seqsOf(await open(`/operator/audit?person=${id}`))).toEqual(mine);
    expect(seqsOf(await open(`${byEmail}&type=session_created`))).toEqual(mine);
    const none = await open(`${byEmail}&type=authn_login_fail`);
    expect(seqsOf(none)).toEqual([]);
    expect(none).toContain('No event matches these filters.');
  });

  test('has a chip for each filter, which leads to the page without it', async () => {
    const both = await open(`/operator/audit?type=session_created&person=${encodeURIComponent(otherEmail)}`);
    const id = (await web.context.users.findByEmail(otherEmail))?.id ?? '';
    const chips = [...both.matchAll(/<a class="chip" href="([^"]+)">.*?<bdi>([^<]+)<\/bdi>/g)];
    expect(chips.map(([, href, label]) => [label, href])).toEqual([
      ['Type: Session began', `/operator/audit?person=${id}`],
      [`Person: ${otherEmail}`, '/operator/audit?type=session_created'],
    ]);
    expect(await open('/operator/audit?type=session_created')).toContain('<a class="chip" href="/operator/audit">');
    // What was typed stands in the form, and in no link: proxies log those.
    expect(both).toContain(`value="${otherEmail}"`);
    const links = [...both.matchAll(/(?:href|action)="([^"]+)"/g)].map(([, href = '']) => decodeURIComponent(href));
    expect(links.filter((href) => href.includes('@'))).toEqual([]);
  });

  test.each([
    ['type=nonsense', 'There is no event of this type. Choose one from the list.'],
    ['type=constructor', 'There is no event of this type. Choose one from the list.'],
    ['person=nobody@example.org', 'There is no account with this e-mail address. Check the spelling.'],
    ["person=' OR 1=1 --", 'There is no account with this e-mail address. Check the spelling.'],
    ['person=%00', 'Person has a character in it that no event can have.'],
    ['type=%3Cscript%3Ealert(1)%3C/script%3E', 'There is no event of this type. Choose one from the list.'],
    ['person=a&person=b', 'Person is given more than once.'],
    [`text=${'x'.repeat(301)}`, 'Detail has more than 300 characters.'],
    ['address=203.0.113.7/33', 'This is not an IP address, such as 203.0.113.7'],
    ['address=203.0.113', 'This is not an IP address, such as 203.0.113.7'],
    ['address=0x7f.1', 'This is not an IP address, such as 203.0.113.7'],
    ['address=::1/x', 'This is not an IP address, such as 203.0.113.7'],
    ['outcome=maybe', 'The outcome is success or failure.'],
    ['session=1', 'This is not the id of a session.'],
    ['actor=nobody', 'There is no account with this e-mail address.'],
    ['from=yesterday', 'From is not a moment.'],
    ['from=2026-02-30', 'From is not a moment.'],
    ['from=0000-01-01', 'From is not a moment.'],
    ['to=9999-12-31', 'Before is not a moment.'],
    ['to=9999-12-31T23:00-02:00', 'Before is not a moment.'],
    ['to=2026-11-24T25:00', 'Before is not a moment.'],
    ['from=2026-11-24T10:00&to=2026-11-24T09:00', 'The time ends before it begins.'],
  ])('says what is wrong with %s', async (filter, problem) => {
    const response = await operator.get(`/operator/audit?${filter.replaceAll(' ', '%20').replaceAll("'", '%27')}`);
    expect(response.status).toBe(422);
    expect(response.text).toContain(problem);
    expect(response.text).toContain('Nothing was searched.');
    expect(response.text).not.toContain('<script>alert');
  });

  test.each([
    'before=x',
    'before=-1',
    'before=0',
    'before=1e400',
    'after=999999999',
    'before=5&before=6',
    'after=9007199254740993',
  ])('is an answer also for ?%s', async (key) =>
    expect((await operator.get(`/operator/audit?${key}`)).status).toBe(200),
  );

  test.each(['before[]=5', 'adress=203.0.113.7', '__proto__=1', `${'x'.repeat(400)}=1`])(
    'searches nothing where it is asked for ?%s, which is no filter',
    async (query) => {
      const answer = await operator.get(`/operator/audit?${query}`);
      expect(answer.status).toBe(422);
      expect(answer.text).toContain(`There is no filter “${query.split('=')[0]?.slice(0, 40)}”.`);
      expect(answer.text).toContain('Nothing was searched.');
    },
  );

  test('shows hostile text as text', async () => {
    const email = 'a+<b>@example.org';
    const markup = '<img src=x onerror=alert(1)>"\'&';
    await sql(
      `INSERT INTO user_account (id, email, email_key, password_hash) VALUES ('018f0000-0000-7000-8000-00000000beef', $1, $1, '')`,
      [email],
    );
    await sql('INSERT INTO outbox (event) VALUES ($1)', [
      JSON.stringify({
        type: markup,
        outcome: markup,
        actor: '018f0000-0000-7000-8000-00000000beef',
        userAgent: markup,
        ip: '2001:db8::2',
        detail: { [markup]: { nested: markup } },
      }),
    ]);
    await worker.sealing.seal();
    const page = await open('/operator/audit');
    expect(page).not.toContain('<img src=x');
    expect(page).not.toContain('a+<b>');
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(page).not.toContain('[object Object]');
    expect(page).toContain('href="/operator/audit?person=018f0000-0000-7000-8000-00000000beef"');
    expect(page).toContain('2001:db8::2');
  });

  test('draws a log of many years', async () => {
    await sql(`INSERT INTO audit_summary SELECT timestamptz '2000-01-01' + n * interval '1 hour', 'sys_startup', 'success', 1, 1, 1
                 FROM generate_series(1, 150000) AS n`);
    expect(await open('/operator/audit?from=2000-01-01')).toContain('<svg');
    await sql(`DELETE FROM audit_summary WHERE hour < '2017-06-01'`);
  });
});
