// The console says the times of a page in one zone, which it names once: the browser's own, or the one that was chosen, which
// is remembered. What is typed into the filter is taken in it. Refusals and mails say both, the browser's zone and UTC.
import { expect, test } from '@jest/globals';
import { Browser } from '../support/app.ts';
import { world } from '../support/world.ts';

const { web, other, worker, sql, newOperator } = await world({
  webs: [{ THROTTLE_ACCOUNT_CLIENT: '2/3/1h' }, {}],
  worker: true,
});

await sql(
  `INSERT INTO outbox (event) SELECT jsonb_build_object('v', 1, 'id', gen_random_uuid(), 'type', 'authz_fail', 'outcome', 'failure',
     'occurredAt', at, 'requestId', at, 'detail', '{}'::jsonb)
     FROM unnest(ARRAY['2026-07-24T09:00:00.000Z', '2026-07-24T10:30:00.000Z']) AS at`,
);

const mainOf = (html: string) => /<main.*<\/main>/s.exec(html)?.[0] ?? '';
const zoneOf = (html: string) => /<span>(Times in .*?)<\/span>/.exec(html)?.[1]?.replaceAll(/<[^>]*>/g, '');

async function operatorIn(zone: string | null, url = web.url) {
  const { browser } = await newOperator(url);
  if (zone !== null) setZone(browser, zone);
  await worker.sealing.seal();
  return browser;
}

function setZone({ agent }: Browser, zone: string): void {
  agent.jar.setCookie(`holdfast_zone=${zone}`, '127.0.0.1', '/');
}

test.each([
  [null, 'UTC', '24 Jul, 09:00:00'],
  ['Nowhere/Atall', 'UTC', '24 Jul, 09:00:00'],
  ['Asia/Kolkata', 'Asia/Kolkata (UTC+5:30)', '24 Jul, 14:30:00'],
])('a browser of the zone %s reads times in %s', async (zone, named, clock) => {
  const browser = await operatorIn(zone);
  const { text } = await browser.get('/operator/audit?request=2026-07-24T09%3A00%3A00.000Z');
  expect(zoneOf(text)).toBe(`Times in ${named}`);
  const row = mainOf(text);
  const year = new Date().getUTCFullYear() === 2026 ? clock : clock.replace('Jul', 'Jul 2026');
  expect(row).toContain(`>${year}</time>`);
  const href = /href="(\/operator\/audit\/\d+)"/.exec(row)?.[1] ?? '';
  const event = mainOf((await browser.get(href)).text);
  expect(event).toContain(`>${clock.replace('Jul', 'Jul 2026')}</time>`);
  for (const path of ['', '/audit', '/users', '/attempts', '/blocks', '/mail', '/zone']) {
    const page = (await browser.get(`/operator${path}`)).text;
    expect([path, zoneOf(page)]).toEqual([path, `Times in ${named}`]);
    expect([path, mainOf(page).match(/\d\d:\d\d(:\d\d)? UTC/)]).toEqual([path, null]);
  }
});

test('UTC can be chosen, and the browser’s own again, without a script; each process remembers it', async () => {
  const browser = await operatorIn('Asia/Kolkata');
  const shown = async (path = '/operator/blocks', at = browser) => zoneOf((await at.get(path)).text);
  const chosen = await browser.submit('/operator/zone', { zone: 'UTC', back: '/operator/blocks' }, '/operator/blocks');
  expect([chosen.status, chosen.headers['location']]).toEqual([303, '/operator/blocks']);
  expect(await shown()).toBe('Times in UTC');
  const elsewhere = new Browser(other.url);
  for (const cookie of browser.agent.jar.getCookies({ path: '/', domain: '127.0.0.1', secure: false, script: false })) {
    elsewhere.agent.jar.setCookie(cookie.toString(), '127.0.0.1', '/');
  }
  expect(await shown('/operator', elsewhere)).toBe('Times in UTC');
  await browser.submit('/operator/zone', { zone: 'America/St_Johns' }, '/operator/zone');
  expect(await shown()).toMatch(/^Times in America\/St_Johns \(UTC−[23]:30\)$/);
  const { text } = await browser.get('/operator/audit');
  for (const zone of ['Asia/Kolkata', 'UTC'])
    expect(text).toContain(`name="zone" value="${zone}">Use ${zone}</button>`);
  await browser.submit('/operator/zone', { zone: 'Asia/Kolkata' }, '/operator/zone');
  expect(await shown()).toBe('Times in Asia/Kolkata (UTC+5:30)');
});

test('what is no zone is refused, and nobody is led elsewhere', async () => {
  const browser = await operatorIn(null);
  for (const zone of ['', 'Nowhere/Atall', '<b>', '+01:00']) {
    const refused = await browser.submit('/operator/zone', { zone }, '/operator/zone');
    expect([zone, refused.status]).toEqual([zone, 422]);
  }
  const led = await browser.submit('/operator/zone', { zone: 'UTC', back: '//evil.example/' }, '/operator/zone');
  expect(led.headers['location']).toBe('/operator');
});

test('the filter takes its moments in the zone of the page; links stay in UTC', async () => {
  const browser = await operatorIn('Asia/Kolkata');
  const count = (html: string) => html.match(/ data-row>/g)?.length ?? 0;
  const typed = { type: 'authz_fail', from: '2026-07-24T14:30', to: '2026-07-24T16:00', zone: 'Asia/Kolkata' };
  const { text } = await browser.get(`/operator/audit?${new URLSearchParams(typed)}`);
  expect(count(text)).toBe(1);
  expect(text).toContain('name="from" type="datetime-local" step="1" value="2026-07-24T14:30"');
  expect(text).toContain('<bdi>Before: 24 Jul 2026, 16:00:00</bdi>');
  expect(text).toContain('from=2026-07-24T09%3A00');
  const day = { type: 'authz_fail', from: '2026-07-24', to: '2026-07-24', zone: 'Asia/Kolkata' };
  const ofDay = (await browser.get(`/operator/audit?${new URLSearchParams(day)}`)).text;
  expect(ofDay).toContain('from=2026-07-23T18%3A30');
  expect(ofDay).toContain('<bdi>Before: 25 Jul 2026, 00:00:00</bdi>');
  const link = await browser.get('/operator/audit?type=authz_fail&from=2026-07-24T09:00&to=2026-07-24T10:31');
  expect(count(link.text)).toBe(2);
  const withZone = await browser.get(
    '/operator/audit?type=authz_fail&from=2026-07-24T14:30%2B05:30&to=2026-07-24T09:01Z',
  );
  expect(count(withZone.text)).toBe(1);
});

test('a refusal and a mail say the browser’s zone and UTC', async () => {
  const { email, browser } = await newOperator();
  await browser.logOut();
  const guest = new Browser(web.url);
  setZone(guest, 'Asia/Kolkata');
  let refused = await guest.logIn(email, 'not the password at all');
  for (let attempt = 0; attempt < 4 && refused.status !== 429; attempt += 1) {
    refused = await guest.logIn(email, 'not the password at all');
  }
  expect(refused.status).toBe(429);
  const [, there = '', utc = ''] =
    /at (\d\d:\d\d:\d\d) \(Asia\/Kolkata\), (\d\d:\d\d:\d\d) UTC/.exec(refused.text) ?? [];
  const seconds = (clock: string) => Date.parse(`1970-01-01T${clock}Z`) / 1_000;
  expect((seconds(there) - seconds(utc) + 86_400) % 86_400).toBe(5.5 * 3_600);
  await guest.submit('/forgot-password', { email });
  const [mail] = await sql<{ parameters: { zone: string } }>(
    "SELECT parameters FROM mail WHERE template = 'reset-password' AND recipient = $1",
    [email],
  );
  expect(mail?.parameters.zone).toBe('Asia/Kolkata');
});
