// E-mail addresses as they are kept and compared.
import { z } from 'zod';

/** RFC 5321 allows 254 characters. */
const emailSchema = z.email().max(254);

/** The address as it is kept, or null if it is none. */
export function readEmail(text: string): string | null {
  const trimmed = text.trim();
  return emailSchema.safeParse(trimmed).success ? trimmed : null;
}

/** The same for every spelling of an address. */
export function emailKey(email: string): string {
  return email.trim().toLowerCase();
}
