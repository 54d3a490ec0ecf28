// A world with the throttle's own rules, and somebody who guesses passwords at each of its two web processes.
import { expect } from '@jest/globals';
import { type Answer, ATTACKED, startAttacker } from '../../harness/attacker.ts';
import { Browser, newEmail } from './app.ts';
import { world } from './world.ts';

const RULES = {
  ...ATTACKED,
  THROTTLE_ACCOUNT_CLIENT: '5/10/1h',
  THROTTLE_CLIENT: '50/100/1h',
  THROTTLE_ACCOUNT: '20/50/1d',
  THROTTLE_DEVICE: '5/10/1h',
};

let clients = 0;

/** An address that no other test uses. */
export function newClient(): string {
  clients += 1;
  return `198.18.${clients >> 8}.${clients & 255}`;
}

export const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status);
export const reached = (answers: readonly Answer[]) => answers.filter(({ status }) => status !== 429).length;
export const words = ({ text }: Answer) => /role="alert">(.*?)<\/p>/s.exec(text)?.[1]?.replace(/\d+/g, 'N');

/** As `world`, only at the top of a test file. */
export async function attackedWorld() {
  const attacked = await world({ webs: [RULES, RULES], worker: true });
  const [guess, guessOnOther] = await Promise.all([startAttacker(attacked.web.url), startAttacker(attacked.other.url)]);
  return {
    ...attacked,
    guess,
    guessOnOther,
    async account(): Promise<string> {
      const email = newEmail();
      expect((await new Browser(attacked.web.url).register(email)).status).toBe(303);
      return email;
    },
    async fail(email: string, times: number, ip: string): Promise<Answer[]> {
      const answers: Answer[] = [];
      for (let count = 0; count < times; count += 1) answers.push(await guess({ email, ip }));
      return answers;
    },
  };
}
