// Another site has a browser open a link of its own, while the form of its owner's link stands open there: the form acts on the
// link that its page showed, or on none.
import { expect, test } from '@jest/globals';
import type { User } from '../../src/core/accounts/users.ts';
import { addressBinding } from '../../src/core/credentials/login-links.ts';
import { bindingOf, type LinkRequest } from '../../src/core/credentials/one-time-links.ts';
import { Browser, newEmail, PASSWORD } from '../support/app.ts';
import { fieldValue } from '../support/page.ts';
import { world } from '../support/world.ts';

const CHOSEN = 'what its owner chooses from now on';

const { web, sql } = await world();
const { context } = web;

async function newAccount(): Promise<User> {
  const email = newEmail();
  await new Browser(web.url).register(email);
  const user = await context.users.findByEmail(email);
  if (!user) throw new Error(`${email} has no account`);
  return user;
}

async function newRegistration(passwordHash: string | null): Promise<string> {
  const email = newEmail();
  const [row] = await sql<{ id: string }>(
    `INSERT INTO registration (id, email, email_key, password_hash, expires_at)
     VALUES (gen_random_uuid(), $1, $1, $2, now() + interval '1 day') RETURNING id`,
    [email, passwordHash],
  );
  return row?.id ?? '';
}

function linkTo(request: LinkRequest): Promise<string> {
  return context.database.transact(async (transaction) => {
    const id = await context.links.issueWithin(transaction, request);
    return (await context.links.revealWithin(transaction, id)) ?? '';
  });
}

const ofAccount = (user: User) => ({ userId: user.id, binding: bindingOf(user) });

/** By the page of a link: a new one, about somebody who has none of the others. */
const LINKS: Readonly<Record<string, () => Promise<string>>> = {
  '/reset-password': async () => linkTo({ purpose: 'reset_password', ...ofAccount(await newAccount()) }),
  '/confirm-email': async () =>
    linkTo({ purpose: 'change_email', ...ofAccount(await newAccount()), email: newEmail() }),
  '/undo-email-change': async () => {
    const { id: userId, email, emailKey } = await newAccount();
    return linkTo({ purpose: 'undo_email_change', userId, email, binding: addressBinding(emailKey) });
  },
  '/not-me': async () => {
    const { id: userId, emailKey } = await newAccount();
    return linkTo({ purpose: 'not_me', userId, binding: addressBinding(emailKey) });
  },
  '/invitation': async () => linkTo({ purpose: 'invitation', registrationId: await newRegistration(null) }),
  '/verify-email': async () => {
    const { passwordHash } = await newAccount();
    return linkTo({ purpose: 'confirm_registration', registrationId: await newRegistration(passwordHash) });
  },
};

const usableLinks = () => sql('SELECT id FROM token WHERE used_at IS NULL ORDER BY id');

test.each(Object.keys(LINKS))('a form of %s that another link has overtaken does nothing', async (path) => {
  const newLink = LINKS[path] ?? (async () => '');
  const [own, stranger] = [await newLink(), await newLink()];
  const browser = new Browser(web.url);
  expect((await browser.get(`${path}?token=${own}`)).status).toBe(303);
  const { text } = await browser.get(path);
  const form = {
    _csrf: fieldValue(text, '_csrf') ?? '',
    link: fieldValue(text, 'link') ?? '',
    password: path === '/reset-password' || path === '/invitation' ? CHOSEN : PASSWORD,
  };
  const send = () => browser.agent.post(path).redirects(0).type('form').send(form);
  const before = await usableLinks();

  await browser.get(`${path}?token=${stranger}`).set('Sec-Fetch-Site', 'cross-site');
  const refused = await send();
  expect(refused.status).toBe(409);
  expect(await usableLinks()).toEqual(before);
  expect(refused.text).toContain('Another link was opened since');

  await browser.get(`${path}?token=${own}`);
  expect((await send()).status).toBe(303);
  expect(await usableLinks()).not.toEqual(before);
});
