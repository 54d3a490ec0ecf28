// Every kind of mail in words; the template's name stands small beside it.
import type { MailTemplate } from '../../../core/mail/templates.ts';

const TITLES: Readonly<Record<MailTemplate, string>> = {
  'reset-password': 'Link for a new password',
  'password-changed': 'Password was changed',
  'new-device': 'Log-in from a new browser',
  'second-factor-left': 'Second step not finished',
  'second-factor-blocked': 'Wrong codes',
  'account-deleted': 'Account was deleted',
  'confirm-registration': 'Link that creates the account',
  'registration-exists': 'There is an account already',
  invitation: 'Invitation',
  'confirm-email': 'Link for a new e-mail address',
  'factor-changed': 'Second factors were changed',
  'factors-removed': 'Second factors were removed',
  'account-secured': 'Account was secured',
  'api-token-made': 'API token was made',
  'email-changed': 'E-mail address was changed',
  welcome: 'Account moved here',
  alert: 'Alert',
};

/** A template of another version has its name alone. */
export function mailTitle(template: string): string {
  return Object.hasOwn(TITLES, template) ? TITLES[template as MailTemplate] : template;
}
