// `user`: accounts, made and changed by an operator.
import { Command, InvalidArgumentError } from 'commander';
import type { AccountChangeResult } from '../core/accounts/account-change.ts';
import { ANY_USER } from '../core/accounts/user-search.ts';
import type { Role, User } from '../core/accounts/users.ts';
import type { Context } from '../core/context.ts';
import { readEmail } from '../core/platform/email-address.ts';
import { callerFor, reasonOption, type Why } from './caller.ts';
import { withContext } from './connect.ts';
import { readNewPassword } from './password.ts';
import { printable, printTable } from './print.ts';

const LIST_LIMIT = 1_000;

export function userCommand(): Command {
  const command = new Command('user').description('Accounts');
  command
    .command('create')
    .description('Make an account; the password comes from a prompt or from standard input')
    .requiredOption('--email <address>', 'e-mail address', parseEmail)
    .option('--operator', 'make it an operator', false)
    .addOption(reasonOption())
    .action(create);
  command.command('list').description('List the accounts').action(list);
  command
    .command('set-role')
    .description('Change the role of an account; its sessions end')
    .argument('<email>', 'e-mail address', parseEmail)
    .argument('<role>', 'member or operator', parseRole)
    .addOption(reasonOption())
    .action(setRole);
  command
    .command('disable')
    .description('Disable an account; its sessions end, and it can not log in')
    .argument('<email>', 'e-mail address', parseEmail)
    .addOption(reasonOption())
    .action((email: string, why: Why) => setDisabled(email, true, why));
  command
    .command('enable')
    .description('Enable a disabled account again')
    .argument('<email>', 'e-mail address', parseEmail)
    .addOption(reasonOption())
    .action((email: string, why: Why) => setDisabled(email, false, why));
  command
    .command('forget-devices')
    .description('Make every browser that an account is known from a stranger to it; no session ends')
    .argument('<email>', 'e-mail address', parseEmail)
    .addOption(reasonOption())
    .action(forgetDevices);
  command
    .command('erase')
    .description('Delete an account and take what is personal out of its records; the audit log still verifies')
    .argument('<email>', 'e-mail address', parseEmail)
    .addOption(reasonOption())
    .action(erase);
  command
    .command('invite')
    .description('Invite somebody: mail a one-time link, or print it where no mail is possible')
    .argument('<email>', 'e-mail address', parseEmail)
    .option('--print', 'print the link instead of mailing it', false)
    .addOption(reasonOption())
    .action(invite);
  command
    .command('reset-link')
    .description('Print a one-time link that lets the owner of an account choose a new password')
    .argument('<email>', 'e-mail address', parseEmail)
    .addOption(reasonOption())
    .action(resetLink);
  command
    .command('remove-factors')
    .description('Remove the second factors of somebody who has lost them all; their sessions end')
    .argument('<email>', 'e-mail address', parseEmail)
    .addOption(reasonOption())
    .action(removeFactors);
  return command;
}

/** Not asked for a reason by a script: the first operator is made by one, and nothing is changed. */
async function create({ email, operator, ...why }: Why & { email: string; operator: boolean }): Promise<void> {
  const { origin } = await callerFor(why, { needed: false });
  await withContext(async (context) => {
    const password = await readNewPassword(context, email);
    const { users, passwords } = context;
    const passwordHash = await passwords.hash(password, null);
    const result = await users.create({ email, passwordHash, role: operator ? 'operator' : 'member', origin });
    if (!result.ok) throw new Error(`An account with the address ${email} exists already.`);
    process.stdout.write(`Made the ${result.user.role} ${printable(result.user.email)} (${result.user.id}).\n`);
  });
}

async function list(): Promise<void> {
  await withContext(async ({ userSearch }) => {
    const { users, hasNext } = await userSearch.page(ANY_USER, null, LIST_LIMIT);
    printTable(
      ['e-mail address', 'role', 'state', 'since', 'id'],
      users.map((user) => [
        user.email,
        user.role,
        user.disabledAt ? 'disabled' : 'active',
        user.createdAt.toISOString(),
        user.id,
      ]),
    );
    if (hasNext) process.stdout.write(`Only the first ${LIST_LIMIT} are shown.\n`);
  });
}

async function setRole(email: string, role: Role, why: Why): Promise<void> {
  const caller = await callerFor(why);
  await withUser(email, async (user, { users }) => {
    const result = await users.setRole(user.id, role, caller);
    report(result, printable(user.email), `is now ${role}; their sessions have ended`, `is ${role} already`);
  });
}

async function forgetDevices(email: string, why: Why): Promise<void> {
  const caller = await callerFor(why);
  await withUser(email, async (user, { devices }) => {
    const count = await devices.forgetAll(user.id, caller);
    process.stdout.write(
      `${printable(user.email)}: ${count} known ${count === 1 ? 'browser' : 'browsers'} forgotten.\n`,
    );
  });
}

async function setDisabled(email: string, disabled: boolean, why: Why): Promise<void> {
  const caller = await callerFor(why);
  await withUser(email, async (user, { users }) => {
    const result = await users.setDisabled(user.id, disabled, caller);
    const state = disabled ? 'disabled' : 'enabled';
    report(result, printable(user.email), `is now ${state}`, `is ${state} already`);
  });
}

function report(result: AccountChangeResult, who: string, done: string, already: string): void {
  if (!result.ok && result.reason === 'last_operator') {
    throw new Error(`${who} is the last operator who can act. Make another account an operator first.`);
  }
  if (!result.ok && result.reason !== 'unchanged') throw new Error(`${who} was deleted meanwhile.`);
  process.stdout.write(`${who} ${result.ok ? done : already}.\n`);
}

async function invite(email: string, { print, ...why }: Why & { print: boolean }): Promise<void> {
  const caller = await callerFor(why);
  await withContext(async ({ invitations, mail, config, database }) => {
    const at = database.clock.now().toISOString();
    const told = { language: config.languages[0], from: { at, device: '', ip: null } };
    const result = await invitations.invite(email, told, caller, { reveal: print || !mail.possible });
    if (!result.ok) throw new Error(`An account with the address ${email} exists already.`);
    if (result.secret === null) process.stdout.write(`A mail with the link is on its way to ${printable(email)}.\n`);
    else handOver(`${config.publicOrigin}/invitation?token=${result.secret}`, 'for 7 days');
  });
}

async function resetLink(email: string, why: Why): Promise<void> {
  const caller = await callerFor(why);
  await withContext(async ({ users, resetLinks, config }) => {
    const user = await users.findByEmail(email);
    const secret = user ? await resetLinks.reveal(user.id, caller) : null;
    if (secret === null) throw new Error(`There is no account with the address ${email} that may log in.`);
    handOver(`${config.publicOrigin}/reset-password?token=${secret}`, 'for 30 minutes');
  });
}

/** The warning goes to standard error: a script gets the link alone. */
function handOver(link: string, howLong: string): void {
  process.stderr.write(`It works once, ${howLong}. Whoever has it can use it: hand it over safely.\n`);
  process.stdout.write(`${link}\n`);
}

async function erase(email: string, why: Why): Promise<void> {
  const caller = await callerFor(why);
  await withUser(email, async (user, { accountDeletion, config, database }) => {
    const from = { at: database.clock.now().toISOString(), device: 'the command line', ip: null };
    const told = { language: config.languages[0] ?? 'en', from };
    const result = await accountDeletion.delete({ userId: user.id, ...caller, sessionId: null, told });
    if (!result.ok && result.reason === 'last_operator')
      throw new Error('This is the last operator who can act. Make somebody else an operator first.');
    if (!result.ok) throw new Error('The account is deleted already.');
    process.stdout.write(`${printable(email)} was deleted, and what was personal is erased.\n`);
  });
}

async function removeFactors(email: string, why: Why): Promise<void> {
  const caller = await callerFor(why);
  await withUser(email, async (user, { enrolment }) => {
    const removed = await enrolment.removeAll(user.id, caller);
    const who = printable(user.email);
    process.stdout.write(
      removed
        ? `${who} has no second factor any more; their sessions have ended.\n`
        : `${who} has no second factor; nothing was changed.\n`,
    );
  });
}

async function withUser(email: string, work: (user: User, context: Context) => Promise<void>): Promise<void> {
  await withContext(async (context) => {
    const user = await context.users.findByEmail(email);
    if (!user) throw new Error(`There is no account with the address ${email}.`);
    await work(user, context);
  });
}

function parseEmail(text: string): string {
  const email = readEmail(text);
  if (email === null) throw new InvalidArgumentError('This is not an e-mail address.');
  return email;
}

function parseRole(text: string): Role {
  if (text === 'member' || text === 'operator') return text;
  throw new InvalidArgumentError('A role is member or operator.');
}
