// A filter as the log and an export's manifest keep it: its set parts alone, accounts by id, moments in
// ISO 8601.
import * as z from 'zod';
import { type AuditFilter, EVERY_EVENT } from './query.ts';

const moment = z.iso.datetime().transform((text) => new Date(text));

const PARTS = {
  types: z.array(z.string()).min(1),
  notTypes: z.array(z.string()).min(1),
  outcome: z.string(),
  person: z.uuid(),
  actor: z.uuid(),
  session: z.uuid(),
  request: z.string(),
  address: z.string(),
  from: moment,
  to: moment,
  text: z.string(),
  unusual: z.literal('yes').transform((): true => true),
} satisfies Record<keyof AuditFilter, z.ZodType>;

const schema = z.strictObject(PARTS).partial();

export type DescribedFilter = Readonly<Record<string, string | readonly string[]>>;

export function described(filter: AuditFilter): DescribedFilter {
  const set = Object.entries(filter).filter(([, part]) => part !== null);
  return Object.fromEntries(set.map(([name, part]) => [name, written(part)]));
}

function written(part: Exclude<AuditFilter[keyof AuditFilter], null>): string | readonly string[] {
  if (part instanceof Date) return part.toISOString();
  return part === true ? 'yes' : part;
}

/** Null where it is no filter that this version knows. */
export function filterOf(text: DescribedFilter): AuditFilter | null {
  const parsed = schema.safeParse(text);
  if (!parsed.success) return null;
  const set = Object.entries(parsed.data).filter(([, part]) => part !== undefined);
  return { ...EVERY_EVENT, ...Object.fromEntries(set) };
}
