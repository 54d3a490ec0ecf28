// A mail to those who were taken over, where an operator wants it.
import type { Mail } from '../mail/outgoing-mail.ts';
import type { Language } from '../platform/languages.ts';
import type { RawClient } from '../platform/postgres/raw-client.ts';
import type { ReadyPerson } from './write-batch.ts';

export function createWelcome(mail: Mail, language: Language) {
  /** Not to those who may not log in. */
  return async function welcome(client: RawClient, people: readonly ReadyPerson[]): Promise<void> {
    for (const { id, person, scheme } of people) {
      if (person.blocked) continue;
      const letter = { to: person.email, userId: id, language: person.language ?? language };
      await mail.sendWithin(client, {
        ...letter,
        template: 'welcome',
        parameters: { hasPassword: scheme !== null },
      });
    }
  };
}
