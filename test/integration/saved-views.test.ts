// Saved views: a filter under a name, opened by its link as it is meant now, kept by others, changed by its owner alone.
import { expect, test } from '@jest/globals';
import { NO_ORIGIN } from '../../src/core/audit/events.ts';
import { Browser } from '../support/app.ts';
import { world } from '../support/world.ts';

const { web, other, worker, sql, newMember, newOperator } = await world({ webs: 2, worker: true });
const by = { actor: null, origin: NO_ORIGIN };
const SAVE = '/operator/views/save';
const grace = await newOperator();
const ada = await newOperator();

const idOf = async (userId: string, name: string): Promise<string> => {
  const [row] = await sql<{ id: string }>('SELECT id FROM saved_view WHERE user_id = $1 AND name = $2', [userId, name]);
  return row?.id ?? '';
};
const save = (browser: Browser, query: string, name: string) => browser.submit(`${SAVE}?${query}`, { name });

test('a filter is saved, stands above its list, is opened by its link, renamed and removed', async () => {
  const { browser, id } = await newOperator();
  const log = await browser.get('/operator/audit?type=authn_login_fail&time=night');
  const saving = /href="(\/operator\/views\/save[^"]+)"/.exec(log.text)?.[1]?.replaceAll('&amp;', '&') ?? '';
  const form = await browser.get(saving);
  expect(form.text).toContain('Type: Log-in refused');
  expect(form.text).toContain('Its time stays relative');
  const saved = await browser.submit(saving, { name: 'Refused last night' });
  expect(saved.status).toBe(303);
  expect(saved.headers['location']).toMatch(/^\/operator\/audit\?type=authn_login_fail&time=night&view=[\w-]{36}$/);
  const again = await browser.get(saved.headers['location'] ?? '');
  const view = `/operator/views/${await idOf(id, 'Refused last night')}`;
  expect(again.text).toContain(`<a href="${view}" aria-current="true"><bdi>Refused last night</bdi></a>`);
  expect(again.text).not.toContain('save this view');
  expect((await browser.get('/operator/audit')).text).toContain(`<a href="${view}"><bdi>Refused last night</bdi></a>`);

  const own = await browser.get('/operator/views');
  expect(own.text).toContain(`${web.context.config.publicOrigin}${view}`);
  expect((await browser.submit(`${view}/rename`, { name: 'At night' }, '/operator/views')).status).toBe(303);
  expect((await browser.get('/operator/views?done=view-renamed')).text).toContain('The view has its new name.');
  expect((await browser.get('/operator/audit')).text).toContain('At night');
  expect((await browser.submit(`${view}/remove`, {}, '/operator/views')).status).toBe(303);
  expect((await browser.get('/operator/audit')).text).not.toContain('At night');
  expect((await browser.get(view)).status).toBe(404);
});

test('a quick range stays one, a moment that was typed stays that moment', async () => {
  await save(grace.browser, 'list=audit&time=night', 'Night');
  await save(grace.browser, 'list=audit&from=2026-11-24T09:00&zone=Europe/Lisbon', 'Since');
  expect(await sql('SELECT name, asked FROM saved_view WHERE user_id = $1 ORDER BY name', [grace.id])).toEqual([
    { name: 'Night', asked: { time: 'night' } },
    { name: 'Since', asked: { from: '2026-11-24T09:00' } },
  ]);
});

test('a person is kept and linked to by id, whatever was typed, and the link holds nothing of the filter', async () => {
  const member = await newMember();
  await save(grace.browser, `list=audit&person=${encodeURIComponent(member.email)}`, 'Of one person');
  const view = `/operator/views/${await idOf(grace.id, 'Of one person')}`;
  const opened = await ada.browser.get(view);
  expect(opened.status).toBe(303);
  expect(opened.headers['location']).toMatch(new RegExp(`^/operator/audit\\?person=${member.id}&view=`));
  await ada.browser.get(opened.headers['location'] ?? '');
  await worker.sealing.seal();
  const reads = await sql(
    `SELECT FROM audit_event WHERE type = 'sensitive_read' AND actor_id = $1 AND subject_id = $2`,
    [ada.id, member.id],
  );
  expect(reads).toHaveLength(1);
});

test('another operator may open it and keep it as their own, and change nothing of it', async () => {
  await save(grace.browser, 'list=audit&outcome=failure', 'Failures');
  const view = `/operator/views/${await idOf(grace.id, 'Failures')}`;
  const { headers } = await ada.browser.get(view);
  const { text } = await ada.browser.get(headers['location'] ?? '');
  expect(text).toContain(`The view <strong><bdi>Failures</bdi></strong> of <bdi>${grace.email}</bdi>`);
  const keeping = /href="(\/operator\/views\/save[^"]+)"/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? '';
  expect((await ada.browser.get(keeping)).text).toContain('value="Failures"');
  for (const act of ['rename', 'remove'])
    expect((await ada.browser.submit(`${view}/${act}`, { name: 'Mine' }, '/operator/views')).status).toBe(404);
  expect((await ada.browser.submit(keeping, { name: 'Failures' })).status).toBe(303);
  expect((await grace.browser.submit(`${view}/remove`, {}, '/operator/views')).status).toBe(303);
  expect((await ada.browser.get(`/operator/views/${await idOf(ada.id, 'Failures')}`)).status).toBe(303);
  expect((await ada.browser.get(view)).status).toBe(404);
});

test.each([
  ['attempts', '/operator/attempts?outcome=failure&time=7d', 'Outcome: failure'],
  ['people', '/operator/users?role=operator&sort=login', 'By last log-in'],
])('the list of %s has views of its own', async (list, path, words) => {
  const { browser } = await newOperator();
  const { text } = await browser.get(path);
  const saving = /href="(\/operator\/views\/save[^"]+)"/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? '';
  expect(saving).toContain(`list=${list}`);
  expect((await browser.get(saving)).text).toContain(words);
  const saved = await browser.submit(saving, { name: 'One of these' });
  expect(saved.headers['location']).toMatch(new RegExp(`^${path.replace('?', '\\?')}&view=`));
  expect((await browser.get(path)).text).toContain('aria-current="true"><bdi>One of these</bdi>');
  expect((await browser.get('/operator/audit')).text).not.toContain('One of these');
});

test('a name is one view’s, has words and an end, and there are fifty views of a list at most', async () => {
  const { browser, id } = await newOperator();
  expect((await save(browser, 'list=audit&time=1h', 'One')).status).toBe(303);
  const taken = await save(browser, 'list=audit&time=7d', 'One');
  expect([taken.status, taken.text]).toEqual([409, expect.stringContaining('has this name')]);
  expect((await save(browser, 'list=attempts&time=7d', 'One')).status).toBe(303);
  for (const name of ['', '   ', 'x'.repeat(61)])
    expect((await save(browser, 'list=audit&time=7d', name)).status).toBe(422);
  await save(browser, 'list=audit&time=7d', 'Two');
  const two = `/operator/views/${await idOf(id, 'Two')}`;
  const renamed = await browser.submit(`${two}/rename`, { name: 'One' }, '/operator/views');
  expect([renamed.status, renamed.text]).toEqual([409, expect.stringContaining('has this name')]);
  expect((await browser.submit(`${two}/rename`, { name: '' }, '/operator/views')).status).toBe(422);
  expect((await browser.submit(`${two}/rename`, { name: 'Two' }, '/operator/views')).status).toBe(303);
  await sql(
    `INSERT INTO saved_view (id, user_id, list, name, asked) SELECT gen_random_uuid(), $1, 'audit', n::text, '{}' FROM generate_series(1, 48) AS n`,
    [id],
  );
  const full = await save(browser, 'list=audit&time=24h', 'One more');
  expect([full.status, full.text]).toEqual([409, expect.stringContaining('fifty views')]);
});

test('what is no filter, or of no list, is not saved', async () => {
  const { browser, id } = await newOperator();
  for (const query of [
    'list=audit',
    'list=audit&person=nobody@example.org',
    'list=attempts&time=never',
    'list=people&role=x',
  ])
    expect([query, (await save(browser, query, 'A view')).status]).toEqual([query, 422]);
  for (const list of ['', 'blocks', 'toString'])
    expect((await browser.get(`${SAVE}?list=${list}&time=1h`)).status).toBe(404);
  expect(await sql('SELECT FROM saved_view WHERE user_id = $1', [id])).toEqual([]);
  for (const path of ['/operator/views/x', `/operator/views/${id}`]) expect((await browser.get(path)).status).toBe(404);
});

test('an auditor opens what is shared, and keeps nothing; a member opens nothing', async () => {
  await save(grace.browser, 'list=audit&time=24h', 'For the auditor');
  const view = `/operator/views/${await idOf(grace.id, 'For the auditor')}`;
  const auditor = await newMember();
  expect((await auditor.browser.get(view)).status).toBe(403);
  await web.context.users.setRole(auditor.id, 'auditor', by);
  await auditor.browser.logIn(auditor.email);
  const opened = await auditor.browser.get(view);
  const { text } = await auditor.browser.get(opened.headers['location'] ?? '');
  expect(text).toContain('For the auditor');
  expect(text).not.toContain(SAVE);
  expect((await auditor.browser.get('/operator/views')).status).toBe(403);
  expect((await auditor.browser.get(`${SAVE}?list=audit&time=24h`)).status).toBe(403);
});

test('they go with their owner’s account', async () => {
  const { browser, id } = await newOperator();
  await save(browser, 'list=audit&time=1h', 'Mine');
  const view = `/operator/views/${await idOf(id, 'Mine')}`;
  expect((await browser.submit('/account/delete', { understood: 'on' })).status).toBe(303);
  expect(await sql('SELECT FROM saved_view WHERE user_id = $1', [id])).toEqual([]);
  expect((await ada.browser.get(view)).status).toBe(404);
});

test('another process shows what was saved at once, and its list asks no more than once in ten seconds', async () => {
  const { browser, id, email } = await newOperator();
  const there = new Browser(other.url);
  await there.logIn(email);
  await there.get('/operator/audit');
  const saved = await save(browser, 'list=audit&time=1h', 'Just now');
  expect((await there.get(saved.headers['location'] ?? '')).text).toContain('Just now');
  expect((await there.get('/operator/audit')).text).toContain('Just now');
  await sql('DELETE FROM saved_view WHERE user_id = $1', [id]);
  expect((await there.get('/operator/audit')).text).toContain('Just now');
  expect((await there.get('/operator/views')).text).not.toContain('Just now');
  expect((await there.get('/operator/audit')).text).not.toContain('Just now');
});
