// New recovery codes are shown until their owner says that they are kept: by a redirect, again at a reload, in another
// language, after a form that was sent twice. In the database they stand encrypted until then.
import { expect, test } from '@jest/globals';
import { cleanupTokens } from '../../worker/jobs/cleanup.ts';
import { Browser, newEmail } from '../support/app.ts';
import { codesIn, enrol, totpCode } from '../support/factors.ts';
import { fieldValue } from '../support/page.ts';
import { world } from '../support/world.ts';

const SECURITY = '/account/security';
const CODES = `${SECURITY}/recovery-codes`;

const { web, worker, sql, newMember } = await world({ worker: true, watched: true });

const shown = async (browser: Browser) => codesIn((await browser.get(CODES)).text);

function kept(id: string) {
  return sql<{ shown: Buffer | null }>('SELECT shown FROM recovery_code WHERE user_id = $1', [id]);
}

async function age(id: string, minutes: number): Promise<void> {
  await sql(
    `UPDATE session SET created_at = created_at - $2 * interval '1 minute', proved_at = NULL WHERE user_id = $1`,
    [id, minutes],
  );
}

/** Both answers of a form that is sent a second time before the first answer came, with the cookies it was opened with. */
async function twice(browser: Browser, path: string, fields: Readonly<Record<string, string>>, page: string) {
  const token = await browser.token(page);
  const cookie = browser.agent.jar
    .getCookies({ path: '/', domain: '127.0.0.1', secure: false, script: false })
    .toValueString();
  const send = () =>
    fetch(`${web.url}${path}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie },
      body: new URLSearchParams({ ...fields, _csrf: token }),
    });
  await send();
  const second = await send();
  const session = second.headers.getSetCookie().map((line) => line.split(';')[0]);
  const page2 = await fetch(`${web.url}${CODES}`, { redirect: 'manual', headers: { cookie: session.join('; ') } });
  return { to: second.headers.get('location'), codes: codesIn(await page2.text()) };
}

test('the form of a first factor leads to them, and a reload or "Back" shows them again until they are kept', async () => {
  const { browser, id } = await newMember();
  const { answer, recoveryCodes } = await enrol(browser);
  expect([answer.status, answer.headers['location']]).toEqual([303, `${CODES}?done=factor-added`]);
  expect(await shown(browser)).toEqual(recoveryCodes);
  const page = await browser.get(CODES);
  expect(page.headers['cache-control']).toBe('no-store');
  expect(page.text).not.toContain('action="/language"');
  await browser.submit('/language', { language: 'de', back: CODES }, SECURITY);
  expect((await browser.get(CODES)).text).toContain('Bewahren Sie diese Wiederherstellungscodes auf');
  expect(await shown(browser)).toEqual(recoveryCodes);
  const download = await browser.get(`${CODES}/download`);
  expect(download.headers['content-disposition']).toBe('attachment; filename="recovery-codes.txt"');
  for (const code of recoveryCodes) expect(download.text).toContain(code);

  const rows = await kept(id);
  for (const code of recoveryCodes) for (const row of rows) expect(row.shown?.includes(code)).toBe(false);
  expect((await browser.get(SECURITY)).text).toContain(`href="${CODES}"`);

  const confirmed = await browser.submit(`${CODES}/kept`, {}, CODES);
  expect([confirmed.status, confirmed.headers['location']]).toEqual([303, `${SECURITY}?done=codes-kept`]);
  const gone = await browser.get(CODES);
  expect([gone.status, gone.headers['location']]).toEqual([303, `${SECURITY}?done=codes-gone`]);
  expect((await browser.get(`${CODES}/download`)).status).toBe(303);
  expect((await kept(id)).map((row) => row.shown)).toEqual(Array(10).fill(null));
  expect((await browser.get(SECURITY)).text).not.toContain(`href="${CODES}"`);
  await worker.sealing.seal();
  const events = await sql('SELECT FROM audit_event WHERE subject_id = $1 AND type = $2', [
    id,
    'authn_recovery_codes_kept',
  ]);
  expect(events).toHaveLength(1);
});

test('they lead on to the page that was asked for before', async () => {
  const { browser } = await newMember();
  const { answer } = await enrol(browser, `${SECURITY}/authenticator?next=%2Faccount%2Fdata`);
  const to = answer.headers['location'] ?? '';
  expect(to).toBe(`${CODES}?done=factor-added&next=%2Faccount%2Fdata`);
  const next = fieldValue((await browser.get(to)).text, 'next') ?? '';
  expect((await browser.submit(`${CODES}/kept`, { next }, CODES)).headers['location']).toBe('/account/data');
});

test('a form that was sent twice leads to them, whether of a first factor or for new codes', async () => {
  const { browser } = await newMember();
  const { text } = await browser.get(`${SECURITY}/authenticator`);
  const secret = (/<code class="mono">([^<]+)/.exec(text)?.[1] ?? '').replaceAll(' ', '');
  const sealed = fieldValue(text, 'sealed') ?? '';
  const fields = { sealed, code: totpCode(secret) };
  const first = await twice(browser, `${SECURITY}/authenticator`, fields, `${SECURITY}/authenticator`);
  expect(first.to).toBe(`${CODES}?done=factor-added`);
  expect(first.codes).toHaveLength(10);

  const somebody = await newMember();
  const { recoveryCodes } = await enrol(somebody.browser);
  const renewed = await twice(somebody.browser, CODES, {}, SECURITY);
  expect(renewed.to).toBe(`${CODES}?done=codes-made`);
  expect(renewed.codes).toHaveLength(10);
  expect(renewed.codes.filter((code) => recoveryCodes.includes(code))).toEqual([]);
});

test('they are shown only to a recent log-in of their owner', async () => {
  const [one, other] = [await newMember(), await newMember()];
  await enrol(one.browser);
  await enrol(other.browser);
  expect(await shown(one.browser)).not.toEqual(await shown(other.browser));
  await age(one.id, 11);
  const answer = await one.browser.get(CODES);
  expect([answer.status, answer.headers['location']?.split('?')[0]]).toEqual([303, '/confirm']);
  expect((await one.browser.get(`${CODES}/download`)).headers['location']?.split('?')[0]).toBe('/confirm');
});

test('after an hour they are shown no longer, and the worker forgets them', async () => {
  const { browser, id } = await newMember();
  await enrol(browser);
  await sql(`UPDATE recovery_code SET shown_until = shown_until - interval '61 minutes' WHERE user_id = $1`, [id]);
  expect((await browser.get(CODES)).headers['location']).toBe(`${SECURITY}?done=codes-gone`);
  await cleanupTokens(worker);
  expect((await kept(id)).map((row) => row.shown)).toEqual(Array(10).fill(null));
});

test('the key of an app that is being set up stays the same at a reload and in another language', async () => {
  const [{ browser }, other] = [await newMember(), await newMember()];
  const page = `${SECURITY}/authenticator`;
  const keyIn = (text: string) => /<code class="mono">([^<]+)/.exec(text)?.[1];
  const first = await browser.get(page);
  const wrong = await browser.submit(page, { sealed: fieldValue(first.text, 'sealed') ?? '', code: '000000' });
  await browser.submit('/language', { language: 'de', back: page }, SECURITY);
  const again = await browser.get(page);
  expect([keyIn(wrong.text), keyIn(again.text)]).toEqual([keyIn(first.text), keyIn(first.text)]);
  expect(keyIn((await other.browser.get(page)).text)).not.toBe(keyIn(first.text));
  await enrol(browser);
  await browser.submit(`${page}/remove`, {}, SECURITY);
  expect(keyIn((await browser.get(page)).text)).not.toBe(keyIn(first.text));
});

test('the language of a page that answers a form leads back to a page', async () => {
  const { browser } = await newMember();
  const backOf = (html: string) => fieldValue(html, 'back');
  const stranger = new Browser(web.url);
  const failed = await stranger.submit('/login/passkey', { credential: '{}', next: '/account/data' }, '/login');
  expect([failed.status, backOf(failed.text)]).toEqual([401, '/login?next=%2Faccount%2Fdata']);
  const wrong = await stranger.submit('/login', { email: newEmail(), password: 'wrong wrong', next: '/account/data' });
  expect([wrong.status, backOf(wrong.text)]).toEqual([401, '/login?next=%2Faccount%2Fdata']);
  const id = '018f0000-0000-7000-8000-000000000000';
  const rename = await browser.submit(`${SECURITY}/passkeys/${id}/rename`, { name: '' }, SECURITY);
  expect([rename.status, backOf(rename.text)]).toEqual([422, SECURITY]);
});
