// What an operator does to an account: its role, its state, its factors and known browsers, and its end.
import type { AccountChangeResult } from '../../core/accounts/account-change.ts';
import type { Role } from '../../core/accounts/users.ts';
import { type Confirmed, confirm } from '../terminal/ask.ts';
import { callerFor, type Why } from '../terminal/caller.ts';
import { say } from '../terminal/output.ts';
import { counted, printable } from '../terminal/print.ts';
import { withUser } from './find.ts';

export async function setRole(account: string, role: Role, why: Why): Promise<void> {
  const caller = await callerFor(why);
  await withUser(account, async (user, { users }) => {
    const result = await users.setRole(user.id, role, caller);
    report(result, printable(user.email), `is now ${role}; their sessions have ended`, `is ${role} already`);
  });
}

export async function setDisabled(account: string, disabled: boolean, why: Why): Promise<void> {
  const caller = await callerFor(why);
  await withUser(account, async (user, { users }) => {
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
  say(`${who} ${result.ok ? done : already}.`);
}

export async function forgetDevices(account: string, why: Why): Promise<void> {
  const caller = await callerFor(why);
  await withUser(account, async (user, { devices }) => {
    const count = await devices.forgetAll(user.id, caller);
    say(`${printable(user.email)}: ${counted(count, 'known browser')} forgotten.`);
  });
}

export async function removeFactors(account: string, { yes, ...why }: Why & Confirmed): Promise<void> {
  const caller = await callerFor(why);
  await withUser(account, async (user, { enrolment }) => {
    const who = printable(user.email);
    await confirm({ yes }, `This removes every second factor of ${who} and ends their sessions.`, who);
    const removed = await enrolment.removeAll(user.id, caller);
    say(
      removed
        ? `${who} has no second factor any more; their sessions have ended.`
        : `${who} has no second factor; nothing was changed.`,
    );
  });
}

export async function erase(account: string, { yes, ...why }: Why & Confirmed): Promise<void> {
  const caller = await callerFor(why);
  await withUser(account, async (user, { accountDeletion, config, database }) => {
    const who = printable(user.email);
    await confirm({ yes }, `This deletes the account ${who} and erases their personal data.`, who);
    const from = { at: database.clock.now().toISOString(), device: 'the command line', ip: null };
    const told = { language: config.languages[0] ?? 'en', from };
    const result = await accountDeletion.delete({ userId: user.id, ...caller, sessionId: null, told });
    if (!result.ok && result.reason === 'last_operator')
      throw new Error('This is the last operator who can act. Make somebody else an operator first.');
    if (!result.ok) throw new Error('The account is deleted already.');
    say(`${who} was deleted, and what was personal is erased.`);
  });
}
