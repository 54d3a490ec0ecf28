// `user invite` and `user reset-link`: one-time links, mailed or handed over.
import { withContext } from '../connect.ts';
import { callerFor, type Why } from '../terminal/caller.ts';
import { say } from '../terminal/output.ts';
import { printable } from '../terminal/print.ts';
import { noAccount } from './find.ts';

export async function invite(
  email: string,
  { print, auditor, ...why }: Why & { print: boolean; auditor: boolean },
): Promise<void> {
  const caller = await callerFor(why);
  await withContext(async ({ invitations, mail, config, database }) => {
    const at = database.clock.now().toISOString();
    const told = { language: config.languages[0], from: { at, device: '', ip: null } };
    const result = await invitations.invite(email, told, caller, {
      reveal: print || !mail.possible,
      role: auditor ? 'auditor' : 'member',
    });
    if (!result.ok) throw new Error(`An account with the e-mail address ${email} exists already.`);
    if (result.secret === null) say(`A mail with the link is on its way to ${printable(email)}.`);
    else handOver(`${config.publicOrigin}/invitation?token=${result.secret}`, 'for 7 days');
  });
}

export async function resetLink(who: string, why: Why): Promise<void> {
  const caller = await callerFor(why);
  await withContext(async ({ users, resetLinks, config }) => {
    const user = await users.findNamed(who);
    if (!user) throw noAccount(who);
    const secret = await resetLinks.reveal(user.id, caller);
    if (secret === null) throw new Error(`${printable(user.email)} may not log in.`);
    handOver(`${config.publicOrigin}/reset-password?token=${secret}`, 'for 30 minutes');
  });
}

/** The warning goes to standard error: a script gets the link alone. */
function handOver(link: string, howLong: string): void {
  process.stderr.write(`It works once, ${howLong}. Whoever has it can use it: hand it over safely.\n`);
  say(link);
}
