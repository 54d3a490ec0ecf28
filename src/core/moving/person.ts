// A person of a file, in the neutral form that every format is brought into (docs/moving.md).
import * as z from 'zod';
import { readGroupName } from '../groups/group-name.ts';
import { emailKey, readEmail } from '../platform/email-address.ts';
import { type Language, readLanguage } from '../platform/languages.ts';
import type { PersonProblem } from './problems.ts';

export interface Person {
  readonly externalId: string;
  readonly email: string;
  /** What all spellings of the address have in common. */
  readonly key: string;
  readonly language: Language | null;
  readonly createdAt: Date | null;
  readonly blocked: boolean;
  readonly groups: readonly string[];
  readonly password: PasswordFields;
  /** Fields with something in them that no account has a place for. */
  readonly notKept: readonly NotKept[];
}

export interface PasswordFields {
  readonly password_hash?: string | undefined;
  readonly password_scheme?: string | undefined;
  readonly password_columns?: Readonly<Record<string, unknown>> | undefined;
  readonly custom_password_hash?: Readonly<Record<string, unknown>> | undefined;
  readonly email?: string | undefined;
}

export const NOT_KEPT = ['email_verified', 'name', 'given_name', 'family_name', 'zoneinfo', 'user_metadata'] as const;
export type NotKept = (typeof NOT_KEPT)[number];

/** PostgreSQL takes neither in a text. */
const storable = (text: string) => text.isWellFormed() && !text.includes('\u0000');
const identifier = z.union([z.string(), z.int().transform(String)]).pipe(z.string().min(1).max(255).refine(storable));
const text = z.string().max(1_024).nullish();
const object = z.record(z.string(), z.unknown()).nullish();

const shape = z.strictObject({
  externalId: identifier,
  email: z.string(),
  email_verified: z.boolean().nullish(),
  name: text,
  given_name: text,
  family_name: text,
  locale: text,
  zoneinfo: text,
  created_at: z.string().nullish(),
  blocked: z.boolean().nullish(),
  groups: z.array(z.string()).max(50).nullish(),
  user_metadata: object,
  password_hash: z.string().nullish(),
  password_scheme: z.string().max(100).refine(storable).nullish(),
  password_columns: object,
  custom_password_hash: object,
});

/** What a database writes without a zone is UTC. */
const MOMENT = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(Z|[+-]\d\d(?::?\d\d)?)?$/;

export type ReadPerson = { readonly person: Person } | { readonly problem: PersonProblem };

/** `now` is the latest that an account can have been made. */
export function readPerson(raw: unknown, now: Date): ReadPerson {
  const parsed = shape.safeParse(raw);
  if (!parsed.success) return { problem: problemOf(parsed.error.issues[0] as z.core.$ZodIssue, raw) };
  const { externalId, email: typed, locale, created_at, blocked, groups, ...fields } = parsed.data;
  const email = readEmail(typed);
  if (email === null) return invalid('email');
  const createdAt = created_at ? momentOf(created_at) : null;
  if (created_at && (createdAt === null || createdAt > now)) return invalid('created_at');
  const names = (groups ?? []).map(readGroupName);
  if (names.some((name) => name === null)) return invalid('groups');
  return {
    person: {
      externalId,
      email,
      key: emailKey(email),
      language: readLanguage(locale?.split(/[-_]/)[0]?.toLowerCase() ?? null),
      createdAt,
      blocked: blocked ?? false,
      groups: names as string[],
      password: {
        password_hash: fields.password_hash ?? undefined,
        password_scheme: fields.password_scheme ?? undefined,
        password_columns: fields.password_columns ?? undefined,
        custom_password_hash: fields.custom_password_hash ?? undefined,
        email,
      },
      notKept: NOT_KEPT.filter((name) => fields[name] !== undefined && fields[name] !== null),
    },
  };
}

function invalid(field: string): ReadPerson {
  return { problem: { code: 'invalid_field', field } };
}

function momentOf(text: string): Date | null {
  const [, zone] = MOMENT.exec(text) ?? [null];
  if (zone === null) return null;
  const iso = text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00');
  const moment = new Date(zone || !iso.includes('T') ? iso : `${iso}Z`);
  return moment.getTime() >= 0 ? moment : null;
}

function problemOf(issue: z.core.$ZodIssue, raw: unknown): PersonProblem {
  if (issue.code === 'unrecognized_keys') return { code: 'unknown_field', field: nameOf(issue.keys[0]) };
  const [field] = issue.path;
  if (field === undefined) return { code: 'invalid_json' };
  const given = (raw as Readonly<Record<string, unknown>>)[String(field)];
  const missing = given === undefined || given === null || given === '';
  if (missing && (field === 'externalId' || field === 'email')) return { code: 'missing_identifier', field };
  return { code: 'invalid_field', field: nameOf(field) };
}

/** A name of a field may be anything, such as a password in the wrong place: only what looks like a name is told. */
function nameOf(key: unknown): string {
  const name = String(key);
  return /^\w{1,40}$/.test(name) ? name : '?';
}
