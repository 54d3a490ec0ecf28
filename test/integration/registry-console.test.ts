// Groups and applications in the console: each act says first what it does, wants a reason and a recent log-in, leaves its event,
// and a form that does not fit changes nothing and comes back as it was typed.
import { describe, expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { Browser, PASSWORD } from '../support/app.ts';
import { enterDirectly, stateOf } from '../support/applications.ts';
import { fieldError, fieldValue } from '../support/page.ts';
import { type Person, world } from '../support/world.ts';

const { web, other, worker, sql, newMember, newOperator, startWeb } = await world({
  webs: 2,
  worker: true,
  watched: true,
});
const { groups, applications } = web.context;
const by = { actor: null, origin: NO_ORIGIN, reason: 'a test' };
const { browser, email: operatorEmail, id: operatorId } = await newOperator();

let made = 0;
const name = (what: string) => {
  made += 1;
  return `${what}-${made}`;
};

async function newGroup() {
  const result = await groups.create(name('group'), by);
  if (!result.ok) throw new Error(result.reason);
  return result.group;
}

async function newApplication(settings: Record<string, unknown> = {}) {
  const slug = name('app');
  const plain = { name: `The ${slug}`, url: `https://${slug}.example.org`, everybody: true, groups: [] };
  const times = { recentLogin: '', idle: '', absolute: '' };
  const rest = { secondFactor: false, preflight: false, framedBy: [], remoteUser: false };
  const result = await applications.register(slug, { ...plain, ...times, ...rest, ...settings }, by);
  if (!result.ok) throw new Error(JSON.stringify(result));
  return result.application;
}

async function enter({ id: userId }: Person, application: { id: string; slug: string }) {
  const [row] = await sql<{ id: string }>(
    'SELECT id FROM session WHERE user_id = $1 AND ended_at IS NULL AND application_id IS NULL',
    [userId],
  );
  return enterDirectly(web.context, { userId, sessionId: row?.id ?? '' }, application);
}

async function newest(type: string) {
  await worker.sealing.seal();
  const [event] = await sql<{ actor: string; subject: string | null; detail: Record<string, unknown> }>(
    'SELECT actor_id AS actor, subject_id AS subject, detail FROM audit_event WHERE type = $1 ORDER BY seq DESC LIMIT 1',
    [type],
  );
  return event;
}

const why = { reason: 'they asked for it' };

describe('long lists', () => {
  const next = (text: string) => /<a href="([^"]*)" rel="next"/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? '';

  test('groups are found by a part of their name, and come a page at a time', async () => {
    await newGroup();
    await sql(`INSERT INTO account_group (id, name, name_key)
      SELECT gen_random_uuid(), 'Many-' || lpad(i::text, 3, '0'), 'many-' || lpad(i::text, 3, '0') FROM generate_series(1, 102) AS i`);
    const first = (await browser.get('/operator/groups?q=MANY-')).text;
    expect(first).toMatch(/102 of \d+ groups/);
    expect([first.includes('Many-100'), first.includes('Many-101'), fieldValue(first, 'q')]).toEqual([
      true,
      false,
      'MANY-',
    ]);
    const second = (await browser.get(next(first))).text;
    expect([second.includes('Many-100'), second.includes('Many-102')]).toEqual([false, true]);
    expect((await browser.get('/operator/groups?q=many-042')).text).toMatch(/>1 of \d+ groups/);
    const none = (await browser.get('/operator/groups?q=no-such&page=7')).text;
    expect(none).toContain('No group has “<bdi>no-such</bdi>” in its name.');
    await sql("DELETE FROM account_group WHERE name_key LIKE 'many-%'");
  });

  test('applications are found by a part of their name, slug or host', async () => {
    const [one, two] = [await newApplication(), await newApplication()];
    for (const part of [one.slug.toUpperCase(), `${one.slug}.example`]) {
      const { text } = await browser.get(`/operator/applications?q=${part}`);
      expect([text.includes(`href="/operator/applications/${one.slug}"`), text.includes(two.url)]).toEqual([
        true,
        false,
      ]);
    }
  });

  test('members are found by a part of their e-mail address', async () => {
    const [group, one, two] = [await newGroup(), await newMember(), await newMember()];
    for (const { id } of [one, two]) await groups.add(group.id, id, by);
    const { text } = await browser.get(`/operator/groups/${group.id}?q=${encodeURIComponent(one.email.toUpperCase())}`);
    expect([text.includes(`/operator/users/${one.id}"`), text.includes(`/operator/users/${two.id}"`)]).toEqual([
      true,
      false,
    ]);
    const none = (await browser.get(`/operator/groups/${group.id}?q=%25`)).text;
    expect(none).toContain('No member has that in their e-mail address.');
  });
});

describe('groups', () => {
  test('are created with a reason, and listed', async () => {
    const path = '/operator/groups/create';
    const page = await browser.get(path);
    expect(page.text).toContain('A group by itself opens nothing');
    expect(page.text).toContain('Back, changing nothing');
    const created = await browser.submit(path, { name: 'Night_shift', ...why });
    expect(created.status).toBe(303);
    const { text } = await browser.get(created.headers['location'] ?? '');
    expect(text).toContain('Nobody is a member yet');
    expect((await browser.get('/operator/groups')).text).toContain('Night_shift');
    expect(await newest('group_created')).toEqual({
      actor: operatorId,
      subject: null,
      detail: { group: 'Night_shift', ...why },
    });
    const again = await browser.submit(path, { name: 'NIGHT_SHIFT', ...why });
    expect([again.status, fieldError(again.text, 'name')]).toEqual([422, expect.stringContaining('of this name')]);
    expect([fieldValue(again.text, 'name'), fieldValue(again.text, 'reason')]).toEqual(['NIGHT_SHIFT', why.reason]);
    const wrong = await browser.submit(path, { name: 'night shift', ...why });
    expect([wrong.status, fieldError(wrong.text, 'name')]).toEqual([422, expect.stringContaining('Use letters')]);
  });

  test('take somebody by their e-mail address, whatever its capitals', async () => {
    const group = await newGroup();
    const person = await newMember();
    const path = `/operator/groups/${group.id}/add`;
    const added = await browser.submit(path, { email: person.email.toUpperCase(), ...why });
    expect(added.headers['location']).toBe(`/operator/groups/${group.id}?done=member-added`);
    expect((await browser.get(`/operator/groups/${group.id}`)).text).toContain(person.email);
    expect(await newest('group_member_added')).toEqual({
      actor: operatorId,
      subject: person.id,
      detail: { group: group.name, ...why },
    });
    expect((await browser.get(`/operator/users/${person.id}`)).text).toContain(`href="/operator/groups/${group.id}"`);
    expect((await browser.submit(path, { email: person.email, ...why })).status).toBe(409);
    for (const email of ['nobody@example.org', 'no address']) {
      const wrong = await browser.submit(path, { email, ...why });
      expect([wrong.status, fieldError(wrong.text, 'email')]).toEqual([422, expect.any(String)]);
    }
  });

  test('say what taking somebody out does, and do it in every process', async () => {
    const group = await newGroup();
    const application = await newApplication({ everybody: false, groups: [group.name] });
    const person = await newMember();
    await groups.add(group.id, person.id, by);
    const session = await enter(person, application);
    const path = `/operator/groups/${group.id}/members/${person.id}/remove`;
    const { text } = await browser.get(path);
    expect(text).toContain('their sessions end at once');
    expect(text).toContain(application.slug);
    const unsaid = await browser.submit(path, { reason: ' ' });
    expect([unsaid.status, fieldError(unsaid.text, 'reason')]).toEqual([422, expect.stringContaining('Say why')]);
    expect(await stateOf(other.context, session)).toBe('live');
    expect((await browser.submit(path, why)).status).toBe(303);
    expect(await stateOf(other.context, session)).toBe('entry_lost');
    expect((await browser.submit(path, why)).status).toBe(409);
  });

  test('are removed, with all that they opened', async () => {
    const group = await newGroup();
    const path = `/operator/groups/${group.id}/remove`;
    expect((await browser.submit(path, why)).headers['location']).toBe('/operator/groups?done=group-removed');
    expect((await browser.get(`/operator/groups/${group.id}`)).status).toBe(404);
    expect((await browser.get('/operator/groups/not-an-id')).status).toBe(404);
  });

  test('list their members a hundred a page, and name nobody in a page’s address', async () => {
    const group = await newGroup();
    await sql(
      `WITH u AS (INSERT INTO user_account (id, email, email_key, password_hash)
                  SELECT gen_random_uuid(), 'many' || n || '@example.org', 'many' || n || '@example.org', 'none'
                    FROM generate_series(1000, 1100) AS n RETURNING id)
       INSERT INTO group_member (group_id, user_id) SELECT $1, id FROM u`,
      [group.id],
    );
    const first = await browser.get(`/operator/groups/${group.id}`);
    const next = /<a href="([^"]+)" rel="next">/.exec(first.text)?.[1] ?? '';
    expect(next).toMatch(/\?after=[0-9a-f-]{36}$/);
    expect(first.text).not.toContain('many1100@');
    expect((await browser.get(next)).text).toContain('many1100@');
  });
});

describe('applications', () => {
  test('are registered whole, and shown with all that was set', async () => {
    const group = await newGroup();
    const path = '/operator/applications/register';
    const fields = {
      ...{ slug: 'handbook', name: 'The handbook', url: 'https://handbook.example.org', enter: 'groups' },
      ...{ secondFactor: 'on', recentLogin: '15m', idle: '2h', absolute: '1d', preflight: 'on', remoteUser: 'on' },
      framedBy: 'https://portal.example.org, https://intranet.example.org',
      [`group_${group.id.replaceAll('-', '')}`]: 'on',
      ...why,
    };
    const registered = await browser.submit(path, fields);
    expect(registered.headers['location']).toBe('/operator/applications/handbook?done=application-registered');
    expect(await applications.findBySlug('handbook')).toMatchObject({
      ...{ everybody: false, secondFactor: true, recentLoginSeconds: 900, idleSeconds: 7_200 },
      groups: [{ name: group.name }],
      framedBy: ['https://portal.example.org', 'https://intranet.example.org'],
    });
    expect((await browser.get(path)).text).toContain('<details class="rare">');
    expect((await browser.get('/operator/applications/handbook/change')).text).toContain('<details class="rare" open>');
    const { text } = await browser.get('/operator/applications/handbook');
    for (const said of ['within 15m', '2h at most', '1d at most', 'let through', group.name])
      expect(text).toContain(said);
    for (const proxy of ['nginx', 'Caddy', 'HAProxy: haproxy.cfg', 'HAProxy: holdfast.lua', 'Traefik', 'Envoy']) {
      expect(text).toContain(`<summary>${proxy}</summary>`);
    }
    expect(text).toContain('/forward-auth/nginx/handbook');
    expect(text).toContain('bin/holdfast applications recipe handbook --proxy nginx --listen 443 ');
    expect(text).toContain('The certificate is yours to add');
    const filledIn = await browser.get(
      '/operator/applications/handbook?listen=444&upstream=http%3A%2F%2F10.0.0.9%3A81',
    );
    for (const line of ['listen 444;', 'proxy_pass http://10.0.0.9:81;']) expect(filledIn.text).toContain(line);
    expect(filledIn.text).toContain('--listen 444 --upstream http://10.0.0.9:81 --holdfast http://127.0.0.1:');
    const foreign = browser.get('/operator/applications/handbook?holdfast=http%3A%2F%2Fholdfast.example.net%3A3000');
    expect((await foreign.set('Sec-Fetch-Site', 'cross-site')).text).not.toContain('://holdfast.example.net');
    for (const [query, said] of [
      ['listen=0', 'A port is a number'],
      ['upstream=http%3A%2F%2F%7D%20evil%20%7B', 'Such as http://127.0.0.1:8000'],
      ['holdfast=%22%3E%3Cscript%3E', 'Such as http://127.0.0.1:3000'],
    ]) {
      const wrong = await browser.get(`/operator/applications/handbook?${query}`);
      expect(wrong.text).toMatch(/role="alert"[^!]*!<.*Please correct: <a href="#(?:listen|upstream|holdfast)">/);
      expect([wrong.status, wrong.text.includes(String(said)), wrong.text.includes('proxy_pass')]).toEqual([
        200,
        true,
        false,
      ]);
    }
    expect(text).toContain('No proxy is answered yet');
    expect((await browser.get('/operator/applications')).text).toContain('handbook.example.org');
    const event = await newest('application_registered');
    expect(event).toMatchObject({ actor: operatorId, detail: { application: 'handbook', enter: group.name, ...why } });
  });

  test('that nobody may enter say so', async () => {
    const pageOf = async (settings: Record<string, unknown>) => {
      const { slug } = await newApplication(settings);
      return (await browser.get(`/operator/applications/${slug}`)).text;
    };
    const said = 'Nobody may enter it.';
    expect(await pageOf({ everybody: false, groups: [] })).toContain(said);
    expect(await pageOf({ everybody: true })).not.toContain(said);
    expect(await pageOf({ everybody: false, groups: [(await newGroup()).name] })).not.toContain(said);
  });

  test('that everybody may enter say where nobody shows that an address is theirs', async () => {
    const [everybody, some] = [await newApplication(), await newApplication({ everybody: false })];
    const closed = await startWeb({ REGISTRATION: 'closed' });
    const elsewhere = new Browser(closed.url);
    await elsewhere.logIn(operatorEmail);
    const says = async (someone: Browser, page: string) =>
      (await someone.get(`/operator/applications/${page}`)).text.includes('REGISTRATION=open');
    expect(await says(browser, everybody.slug)).toBe(true);
    expect(await says(browser, some.slug)).toBe(false);
    expect(await says(browser, 'register')).toBe(true);
    expect(await says(elsewhere, everybody.slug)).toBe(false);
    expect(await says(elsewhere, 'register')).toBe(false);
  });

  test('come back as they were typed when something does not fit, and nothing is done', async () => {
    const path = '/operator/applications/register';
    const fields = {
      slug: 'No slug',
      name: '',
      url: 'https://a.example.org/x',
      enter: 'everybody',
      idle: 'soon',
      ...why,
    };
    const { status, text } = await browser.submit(path, fields);
    expect(status).toBe(422);
    expect(fieldError(text, 'slug')).toContain('small letters');
    expect(fieldError(text, 'url')).toContain('without a path');
    expect(fieldError(text, 'name')).toContain('Give it a name');
    expect(fieldError(text, 'idle')).toContain('15m');
    expect([fieldValue(text, 'slug'), fieldValue(text, 'reason')]).toEqual(['No slug', why.reason]);
    expect(text).toContain('<option value="everybody" selected>');
    const unexplained = await browser.submit(path, { ...fields, reason: '' });
    expect(fieldError(unexplained.text, 'reason')).toContain('Say why');
    expect(fieldError(unexplained.text, 'slug')).toContain('small letters');
    expect(fieldError(unexplained.text, 'name')).toContain('Give it a name');
    const slug = await browser.submit(path, { ...fields, name: 'A', url: 'https://a.example.org', idle: '' });
    expect([slug.status, fieldError(slug.text, 'slug')]).toEqual([422, expect.stringContaining('small letters')]);
  });

  test('are changed as they were shown, or not at all', async () => {
    const application = await newApplication();
    const path = `/operator/applications/${application.slug}/change`;
    const { text } = await browser.get(path);
    expect(text).toContain('no longer allow ends at once');
    expect([fieldValue(text, 'name'), fieldValue(text, 'url')]).toEqual([application.name, application.url]);
    const fields = { name: 'New name', url: application.url, enter: 'everybody', seen: '0', ...why };
    const person = await newMember();
    const session = await enter(person, application);
    expect((await browser.submit(path, fields)).status).toBe(303);
    expect(await stateOf(other.context, session)).toBe('live');
    const late = await browser.submit(path, { ...fields, name: 'Another' });
    expect(late.status).toBe(409);
    expect(late.text).toContain('was changed while you decided');
    expect((await applications.find(application.id))?.name).toBe('New name');
    const narrowed = await browser.submit(path, { ...fields, enter: 'groups', seen: '1' });
    expect(narrowed.status).toBe(303);
    expect(await stateOf(other.context, session)).toBe('entry_lost');
  });

  test('show the groups that may enter before all others', async () => {
    const [, , last] = [await newGroup(), await newGroup(), await newGroup()];
    const application = await newApplication({ everybody: false, groups: [last.name] });
    const { text } = await browser.get(`/operator/applications/${application.slug}/change`);
    expect(/name="group_[^>]*>/.exec(text)?.[0]).toContain(`group_${last.id.replaceAll('-', '')}" value="on" checked`);
  });

  test('say a group that was removed while it was chosen', async () => {
    const application = await newApplication();
    const path = `/operator/applications/${application.slug}/change`;
    const gone = { [`group_${'0'.repeat(32)}`]: 'on' };
    const fields = { name: application.name, url: application.url, enter: 'groups', seen: '0', ...gone, ...why };
    const { status, text } = await browser.submit(path, fields);
    expect([status, text]).toEqual([422, expect.stringContaining('removed meanwhile')]);
  });

  test('show who is in, which is recorded, and end all of one or of one person', async () => {
    const application = await newApplication();
    const [one, two] = [await newMember(), await newMember()];
    const [first, second] = [await enter(one, application), await enter(two, application)];
    const page = await browser.get(`/operator/applications/${application.slug}`);
    for (const { email } of [one, two]) expect(page.text).toContain(email);
    expect(page.text).toContain('2 sessions');
    expect(await newest('sensitive_read')).toMatchObject({ actor: operatorId, detail: { what: 'sessions' } });
    const ofOne = `/operator/applications/${application.slug}/people/${one.id}/end`;
    expect((await browser.get(ofOne)).text).toContain('take them out of the groups that open it');
    expect((await browser.submit(ofOne, why)).status).toBe(303);
    expect(await stateOf(other.context, first)).toBe('revoked_by_operator');
    expect((await browser.submit(ofOne, why)).status).toBe(409);
    const all = `/operator/applications/${application.slug}/end-sessions`;
    expect((await browser.submit(all, why)).status).toBe(303);
    expect(await stateOf(other.context, second)).toBe('revoked_by_operator');
    expect(await one.browser.profile()).toBe(200);
    expect((await newest('session_ended'))?.detail).toMatchObject({ note: why.reason, application: application.slug });
  });

  test('are disabled, enabled and removed', async () => {
    const application = await newApplication();
    const path = (act: string) => `/operator/applications/${application.slug}/${act}`;
    const session = await enter(await newMember(), application);
    expect((await browser.submit(path('disable'), why)).status).toBe(303);
    expect(await stateOf(other.context, session)).toBe('entry_lost');
    expect((await browser.get(`/operator/applications/${application.slug}`)).text).toContain('Disabled');
    expect((await browser.submit(path('disable'), why)).status).toBe(409);
    expect((await browser.submit(path('enable'), why)).status).toBe(303);
    expect((await browser.submit(path('remove'), { ...why, seen: '1' })).status).toBe(409);
    expect((await browser.submit(path('remove'), why)).headers['location']).toContain('?done=application-removed');
    expect((await browser.get(`/operator/applications/${application.slug}`)).status).toBe(404);
  });

  test('link to what the log holds of them', async () => {
    const application = await newApplication();
    await worker.sealing.seal();
    const { text } = await browser.get(`/operator/applications/${application.slug}`);
    const href =
      /href="([^"]+)">What the log holds of it/.exec(text)?.[1]?.replaceAll('&amp;', '&').replaceAll('&#38;', '&') ??
      '';
    expect((await browser.get(href)).text).toContain('application_registered');
  });
});

describe('whoever acts', () => {
  test.each(['/operator/groups/create', '/operator/applications/register'])(
    'on %s has logged in lately',
    async (path) => {
      const late = await newOperator();
      const long = "now() - interval '1 day'";
      await sql(
        `UPDATE session SET created_at = ${long}, proved_at = ${long} WHERE user_id = $1 AND ended_at IS NULL`,
        [late.id],
      );
      const sent = await late.browser.submit(path, { name: 'late', ...why });
      expect(sent.headers['location']).toBe(`/confirm?next=${encodeURIComponent(path)}`);
      expect(await groups.findByName('late')).toBeNull();
      const confirmed = await late.browser.submit(
        '/confirm',
        { password: PASSWORD, next: path },
        sent.headers['location'],
      );
      expect(confirmed.headers['location']).toBe(path);
      const { text } = await late.browser.get(path);
      expect([fieldValue(text, 'name'), fieldValue(text, 'reason')]).toEqual(['late', why.reason]);
    },
  );
});
