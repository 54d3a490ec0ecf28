// Alerts: each rule fires from what it is about, once, by mail and by webhook on real receivers; what happens again is folded with
// a count.
import { describe, expect, test } from '@jest/globals';
import { createRaising } from '../../src/core/alerting/raising.ts';
import { createTelling } from '../../src/core/alerting/telling.ts';
import { createTroubles, LIMITS, type TroublesOptions } from '../../src/core/alerting/troubles.ts';
import { type NewAuditEvent, NO_ORIGIN } from '../../src/core/audit/events.ts';
import type { AlertRule, Weakness } from '../../src/core/mail/alerts.ts';
import { startAlertSite } from '../support/alert-site.ts';
import { Browser, newEmail } from '../support/app.ts';

const { web, worker, sql, newMember, operator, by, work, posts, told, mails, record, closeWindows, set, mailServer } =
  await startAlertSite();

const ofAccount = (detail: NonNullable<NewAuditEvent['detail']>) => ({ subject: operator.id, detail });

describe('each event that a rule is about is told once, by mail and webhook', () => {
  const origin = { ...NO_ORIGIN, ip: '2001:db8::7' };
  test.each<[AlertRule, NewAuditEvent['type'], Partial<NewAuditEvent>, RegExp]>([
    ['new_operator', 'user_created', ofAccount({ role: 'operator' }), /new operator/i],
    ['new_auditor', 'user_created', ofAccount({ role: 'auditor' }), /new auditor/i],
    ['new_auditor', 'privilege_permissions_changed', ofAccount({ role: 'auditor' }), /new auditor/i],
    ['new_api_token', 'api_token_created', ofAccount({ token: 'one', days: 366 }), /for 366 days/],
    ['operator_factor_removed', 'authn_factor_removed', ofAccount({ factor: 'totp' }), /second factor/i],
    [
      'spraying',
      'authn_password_spraying',
      { origin, detail: { accounts: 1234 } },
      /2001:db8::7 failed.*1,234 accounts/,
    ],
    ['stuffing', 'authn_credential_stuffing', { detail: { clients: 60, accounts: 51 } }, /60 clients.*51 accounts/],
    [
      'account_failures',
      'excess_rate_limit_exceeded',
      ofAccount({ scope: 'account', failures: 21 }),
      /password.*21 times/,
    ],
    [
      'account_failures',
      'excess_rate_limit_exceeded',
      ofAccount({ scope: 'second_factor', failures: 6 }),
      /codes.*6 times/,
    ],
    ['log_contradicted', 'sys_audit_altered', {}, /was altered/],
    ['log_contradicted', 'sys_audit_rewound', {}, /lost events/],
    ['database_rewound', 'sys_database_rewound', { detail: { copies: 3 } }, /forgotten sessions/],
  ])('%s, by %s', async (rule, type, event, words) => {
    await record({ type, ...event });
    await work();
    await work();
    expect(told()).toEqual([`${rule} first`]);
    expect(mails()).toHaveLength(1);
    const [mail] = mails();
    const [post] = posts();
    expect(`${mail?.email.subject} ${mail?.email.text}`.replaceAll(/\s+/g, ' ')).toMatch(words);
    const [sealed] = await sql<{ seq: string }>(
      'SELECT seq FROM audit_event WHERE type = $1 ORDER BY seq DESC LIMIT 1',
      [type],
    );
    expect(mail?.email.text).toContain(`http://login.example.org/operator/audit/${sealed?.seq}`);
    expect(post).toMatchObject({ type: `holdfast.alert.${rule}`, data: { count: 1, event: Number(sealed?.seq) } });
    expect(post?.text).toMatch(words);
    await worker.sealing.seal();
    expect(await sql(`SELECT detail FROM audit_event WHERE type = 'sys_alert_told' ORDER BY seq DESC LIMIT 1`)).toEqual(
      [{ detail: { rule, phase: 'first', count: 1, event: Number(sealed?.seq), mails: 1, webhook: true } }],
    );
  });

  test.each<[string, NewAuditEvent['type'], Partial<NewAuditEvent>]>([
    ['a new member', 'user_created', ofAccount({ role: 'member' })],
    ['an auditor who is a member again', 'privilege_permissions_changed', ofAccount({ role: 'member' })],
    ['a client that is throttled', 'excess_rate_limit_exceeded', ofAccount({ scope: 'client', failures: 50 })],
    [
      'guesses at an address without an account',
      'excess_rate_limit_exceeded',
      { detail: { scope: 'account', failures: 21 } },
    ],
    ['made-up events', 'authn_password_spraying', { detail: { accounts: 20, made_up: true } }],
  ])('%s wakes nobody', async (_, type, event) => {
    await record({ type, ...event });
    await work();
    expect({ told: told(), mails: mails() }).toEqual({ told: [], mails: [] });
  });

  test('nor does the second factor of a member', async () => {
    await record({ type: 'authn_factor_removed', subject: (await newMember()).id });
    await work();
    expect(told()).toEqual([]);
  });
});

describe('from the real thing', () => {
  test('an account that is made an operator', async () => {
    const { id, email } = await newMember();
    await web.context.users.setRole(id, 'operator', by);
    await work();
    expect(told()).toEqual(['new_operator first']);
    expect([...mails(), ...mails(email)].map(({ email: { subject } }) => subject)).toEqual(
      Array.from({ length: 2 }, () => 'Holdfast: A new operator'),
    );
    await web.context.users.setRole(id, 'member', by);
  });

  test('an invitation that makes an auditor, once it is accepted, and each token that is made for them', async () => {
    const email = newEmail();
    const letter = { language: 'en', from: { at: new Date().toISOString(), device: '', ip: null } } as const;
    const invited = await web.context.invitations.invite(email, letter, by, { reveal: true, role: 'auditor' });
    const visitor = new Browser(web.url);
    await visitor.get(`/invitation?token=${invited.ok ? invited.secret : ''}`);
    expect((await visitor.submit('/invitation', { password: 'correct horse battery staple' })).status).toBe(303);
    await work();
    expect(told()).toEqual(['new_auditor first']);
    const { id = '' } = (await web.context.users.findByEmail(email)) ?? {};
    for (const name of ['one', 'two'])
      await web.context.apiTokens.create({ userId: id, name, days: 90, by, told: letter });
    await work();
    expect(told().slice(1)).toEqual(['new_api_token first', 'new_api_token first']);
    expect(
      mails()
        .map(({ email: { text } }) => text)
        .join(),
    ).not.toContain(email);
  });

  test('an operator’s second factors that are removed', async () => {
    await sql(
      `INSERT INTO passkey (id, user_id, credential_id, public_key, counter, transports, name)
       VALUES (gen_random_uuid(), $1, gen_random_uuid()::text, '', 0, '{}', 'Key')`,
      [operator.id],
    );
    expect(await web.context.enrolment.removeAll(operator.id, by)).toBe(true);
    await work();
    expect(told()).toEqual(['operator_factor_removed first']);
  });

  test('one client that sprays', async () => {
    for (let index = 0; index < 15; index += 1) await new Browser(web.url).logIn(newEmail(), 'not the password at all');
    await worker.sealing.seal();
    await worker.attackDetection.watch();
    await work();
    expect(told()).toEqual(['spraying first']);
    expect(posts()[0]?.data).toMatchObject({ facts: { accounts: expect.any(Number) } });
  });
});

describe('what happens again', () => {
  const spraying = (ip: string, accounts: number) =>
    record({ type: 'authn_password_spraying', origin: { ...NO_ORIGIN, ip }, detail: { accounts } });

  test('is counted for an hour, and told once at its end', async () => {
    await spraying('203.0.113.7', 20);
    await work();
    for (const accounts of [30, 40, 50]) await spraying('203.0.113.7', accounts);
    await work();
    expect({ told: told(), mails: mails().length }).toEqual({ told: ['spraying first'], mails: 1 });
    expect(await sql('SELECT count, told FROM alert')).toEqual([{ count: 4, told: 1 }]);
    await closeWindows();
    await work();
    await work();
    expect(told()).toEqual(['spraying first', 'spraying more']);
    expect(posts()[1]?.data).toMatchObject({ count: 3, facts: { accounts: 50 } });
    expect(mails().map(({ email }) => email.subject)).toEqual([
      'Holdfast: One client tries many accounts',
      'Holdfast: again: One client tries many accounts',
    ]);
    expect(mails()[1]?.email.text?.replaceAll(/\s+/g, ' ')).toContain('3 more times since you were told');
    await spraying('203.0.113.7', 60);
    await work();
    expect(told().at(-1)).toBe('spraying first');
  });

  test('is told of each client, and of many as of one', async () => {
    for (let client = 1; client <= 40; client += 1) await spraying(`203.0.113.${client}`, 20);
    await work();
    expect(told()).toEqual(Array.from({ length: 6 }, () => 'spraying first'));
    await closeWindows();
    await work();
    expect(told().slice(6)).toEqual(['spraying more']);
    expect(posts()[6]?.data).toMatchObject({ count: 34 });
    expect(mails()).toHaveLength(7);
  });

  test('addresses of one IPv6 network are one client', async () => {
    for (const end of ['1', '2', '3']) await spraying(`2001:db8:1:1::${end}`, 20);
    await work();
    expect(told()).toEqual(['spraying first']);
  });

  test('a rule that is not told tells neither', async () => {
    await spraying('203.0.113.7', 20);
    await work();
    await spraying('203.0.113.7', 30);
    await work();
    await set('spraying', { enabled: false });
    await closeWindows();
    await spraying('203.0.113.8', 30);
    await work();
    expect(told()).toEqual(['spraying first', 'alerts_changed first']);
  });
});

describe('trouble', () => {
  interface Seen {
    sealing?: number;
    away?: number;
    refused?: number;
    weak?: Weakness[];
  }

  /** A look with limits and findings of the test; the rest is as the worker has it. */
  async function look({ sealing = 3_600_000, away = 0, refused = 10, weak = [] }: Seen, calmMs = LIMITS.calmMs) {
    const { database, mail } = worker;
    const tellWithin = createTelling({
      ...{ mail, posts: true, language: 'en', serviceName: 'Holdfast' },
      publicOrigin: 'http://login.example.org',
    });
    const onTold = () => undefined;
    const options: TroublesOptions = {
      ...{ database, tellWithin, onTold, weaknesses: weak, mailAwayMs: () => away },
      raising: createRaising({ database, tellWithin, onTold }),
      limits: { ...LIMITS, sealingMs: sealing, refusedMails: refused, calmMs },
    };
    await createTroubles(options).look();
    await worker.mailDelivery.sendDue();
    await worker.alerting.postDue();
  }

  const recorded = async () => {
    await worker.sealing.seal();
    const rows = await sql<{ of: string }>(
      `SELECT type || ' ' || (detail->>'trouble') AS of FROM audit_event WHERE type LIKE 'sys_trouble%' ORDER BY seq DESC LIMIT 2`,
    );
    return rows.map(({ of }) => of).reverse();
  };

  test('sealing that is behind is told at once, past the log, and its end too', async () => {
    await record({ type: 'sys_startup' });
    await sql(`UPDATE outbox SET created_at = clock_timestamp() - interval '90 seconds'`);
    await worker.alerting.lookForTrouble();
    await worker.mailDelivery.sendDue();
    await worker.alerting.postDue();
    expect(told()).toEqual(['sealing_behind first']);
    expect(mails()[0]?.email.text?.replaceAll(/\s+/g, ' ')).toMatch(/waited for 9\d seconds/);
    await look({ sealing: 1 });
    await worker.sealing.seal();
    await look({});
    expect(told()).toEqual(['sealing_behind first']);
    await look({}, -1);
    await look({}, -1);
    expect(told()).toEqual(['sealing_behind first', 'sealing_behind over']);
    expect(mails().map(({ email }) => email.subject)).toEqual([
      'Holdfast: Events are not sealed',
      'Holdfast: over: Events are not sealed',
    ]);
    expect(await recorded()).toEqual(['sys_trouble_began sealing_behind', 'sys_trouble_ended sealing_behind']);
  });

  test('mail that fails is told by webhook, and by mail once it is back', async () => {
    await mailServer.stop();
    try {
      await record({ type: 'sys_database_rewound' });
      await work();
      expect(worker.mailDelivery.awayMs()).toBeGreaterThan(0);
      await look({ away: 11 * 60_000 });
      expect(told()).toEqual(['database_rewound first', 'mail_failing first']);
      expect(posts()[1]?.text).toContain('taken no mail for 11 minutes');
    } finally {
      await mailServer.startAgain();
    }
    await sql('UPDATE mail SET due_at = clock_timestamp() WHERE ended_at IS NULL');
    await work();
    expect(worker.mailDelivery.awayMs()).toBe(0);
    expect(
      mails()
        .map(({ email }) => email.subject)
        .sort(),
    ).toEqual(['Holdfast: Mail can’t be sent', 'Holdfast: PostgreSQL went back in time']);
  });

  test('many refused mails are trouble, refused alerts among them are not', async () => {
    const refuse = (template: string, count: number) =>
      sql(
        `INSERT INTO mail (id, recipient, template, language, ended_at, outcome)
         SELECT gen_random_uuid(), 'nobody@example.org', $1, 'en', clock_timestamp(), 'failed' FROM generate_series(1, $2)`,
        [template, count],
      );
    await refuse('alert', 20);
    await refuse('reset-password', 9);
    await look({});
    expect(told()).toEqual([]);
    await refuse('reset-password', 1);
    await look({});
    expect(told()).toEqual(['mail_failing first']);
  });

  test('a weak configuration is told once, and again when it gets weaker', async () => {
    await look({ weak: ['no_second_factor'] });
    await look({ weak: ['no_second_factor'] });
    expect(told()).toEqual(['weak_configuration first']);
    await look({ weak: ['no_second_factor', 'no_https'] });
    expect(told()).toEqual(['weak_configuration first', 'weak_configuration first']);
    expect(mails()[1]?.email.text?.replaceAll(/\s+/g, ' ')).toMatch(/SECOND_FACTOR=nobody.*PUBLIC_URL is not https/);
    await look({ weak: ['no_https'] });
    await look({}, -1);
    expect(told().at(-1)).toBe('weak_configuration over');
  });

  test('weaknesses of which each of two workers has another are told once each, and their end too', async () => {
    const began = async () => {
      await worker.sealing.seal();
      const rows = await sql<{ codes: string }>(
        `SELECT detail->>'codes' AS codes FROM audit_event WHERE type = 'sys_trouble_began' AND seq > $1 ORDER BY seq`,
        [before?.seq],
      );
      return rows.map(({ codes }) => codes);
    };
    await worker.sealing.seal();
    const [before] = await sql<{ seq: string }>('SELECT seq FROM audit_head');
    for (let turn = 0; turn < 3; turn += 1) {
      await look({ weak: ['no_signing_key'] });
      await look({ weak: ['needless_secrets'] });
    }
    expect(await began()).toEqual(['no_signing_key', 'no_signing_key,needless_secrets']);
    expect(told()).toEqual(['weak_configuration first', 'weak_configuration first']);
    await look({}, -1);
    expect(told().at(-1)).toBe('weak_configuration over');
  });

  test('what one of two workers sees goes on', async () => {
    await look({ weak: ['no_https'] });
    await look({});
    await look({ weak: ['no_https'] });
    await look({});
    expect(told()).toEqual(['weak_configuration first']);
    expect((await recorded()).at(-1)).toBe('sys_trouble_began weak_configuration');
  });
});

test('each operator reads it in their language, and one who may not log in does not', async () => {
  const [german, disabled] = [await newMember(), await newMember()];
  for (const { id } of [german, disabled]) await web.context.users.setRole(id, 'operator', by);
  await web.context.users.setLanguage(german.id, 'de', by);
  await web.context.users.setDisabled(disabled.id, true, by);
  await work();
  await sql('TRUNCATE alert, mail CASCADE');
  const before = mails(disabled.email).length;
  await record({
    type: 'authn_password_spraying',
    origin: { ...NO_ORIGIN, ip: '203.0.113.9' },
    detail: { accounts: 20 },
  });
  await work();
  expect(mails(german.email).at(-1)?.email).toMatchObject({ subject: 'Holdfast: Ein Client versucht viele Konten' });
  expect(mails(german.email).at(-1)?.email.text?.replaceAll(/\s+/g, ' ')).toContain('an 20 Konten');
  expect(mails(disabled.email)).toHaveLength(before);
  for (const { id } of [german, disabled]) await web.context.users.setRole(id, 'member', by);
});
