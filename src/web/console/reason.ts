// The reason that an operator gives for an action; it is recorded.
import type { Fields } from '../http/form.ts';

const MAX_REASON = 300;

export function readReason(fields: Fields): { readonly reason: string; readonly problem: string | null } {
  const reason = (fields['reason'] ?? '').trim();
  if (reason === '') return { reason, problem: 'Say why: the reason is recorded.' };
  return { reason, problem: reason.length > MAX_REASON ? `Use at most ${MAX_REASON} characters.` : null };
}
