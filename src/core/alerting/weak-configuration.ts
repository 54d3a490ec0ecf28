// What is weak about the settings that a worker was started with. Development is for this machine and is let be.
import type { Weakness } from '../mail/alerts.ts';
import { isLoopback } from '../platform/networks.ts';

export interface JudgedSettings {
  readonly production: boolean;
  readonly secondFactor: 'nobody' | 'operators' | 'everybody';
  readonly publicOrigin: string;
  readonly audit: { readonly signingKey: unknown };
  readonly mail: { readonly smtpUrl: string | null };
  /** Secrets that the process was given and never uses. */
  readonly needless: readonly string[];
}

export function weaknessesOf(settings: JudgedSettings): Weakness[] {
  const { production, secondFactor, publicOrigin, audit, mail, needless } = settings;
  if (!production) return [];
  const { protocol, hostname } = new URL(publicOrigin);
  const found: Readonly<Partial<Record<Weakness, boolean>>> = {
    no_second_factor: secondFactor === 'nobody',
    no_https: protocol !== 'https:' && !isLoopback(hostname),
    no_signing_key: audit.signingKey === null,
    no_mail: mail.smtpUrl === null,
    mail_in_the_clear: mail.smtpUrl !== null && isInTheClear(new URL(mail.smtpUrl)),
    needless_secrets: needless.length > 0,
  };
  return (Object.keys(found) as Weakness[]).filter((weakness) => found[weakness]);
}

function isInTheClear({ protocol, hostname, searchParams }: URL): boolean {
  if (isLoopback(hostname)) return false;
  const isVouchedFor = searchParams.get('tls.rejectUnauthorized') !== 'false';
  return !isVouchedFor || (protocol === 'smtp:' && searchParams.get('requireTLS') === 'false');
}
