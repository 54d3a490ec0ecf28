// What a reader of a format gets, and what it gives back.
import { ImportedHashFailure, malformed } from '../failure.ts';
import type { Recipe } from '../recipe.ts';

export type Fields = Readonly<Record<string, unknown>>;

export interface Given {
  /** The one string, or null where there are columns. */
  readonly text: string | null;
  readonly columns: Fields | null;
  /** Auth0's object. */
  readonly custom: Fields | null;
  /** As declared, in full. */
  readonly scheme: string | null;
  readonly email: string | null;
  /** Firebase's parameters. @throws ImportedHashFailure missing_secret */
  readonly hashConfig: () => Fields;
}

/** @throws ImportedHashFailure */
export type Reader = (given: Given) => Recipe;

export interface Scheme {
  /** A name of the data, or all that begin with it where it ends with `*`. */
  readonly names: readonly string[];
  readonly read: Reader;
  /** How its text looks, where nothing else looks so. */
  readonly looks?: RegExp;
  /** The password itself: nothing of it means that there is none. */
  readonly plain?: true;
  /** Which columns it has, where nothing else has them. */
  readonly columns?: readonly string[];
}

/** The one string. */
export const textOf = ({ text }: Given): string => text ?? malformed();

/** A column's text; of a number, its digits. */
export function column({ columns }: Given, ...names: readonly string[]): string {
  for (const name of names) {
    const value = columns?.[name];
    if (typeof value === 'string') return value;
    if (typeof value === 'number') return String(value);
  }
  return malformed();
}

/** The parts of a text. @throws ImportedHashFailure malformed_hash */
export function match(pattern: RegExp, text: string): Readonly<Record<string, string>> {
  return (pattern.exec(text)?.groups as Readonly<Record<string, string>> | undefined) ?? malformed();
}

/** What must be a text. @throws ImportedHashFailure malformed_hash */
export const text = (value: unknown): string => (typeof value === 'string' ? value : malformed());

/** What must be an object. @throws ImportedHashFailure malformed_hash */
export function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : malformed();
}

/** An object, or a text of JSON that holds one. @throws ImportedHashFailure malformed_hash */
export function json(value: unknown): Fields {
  if (typeof value !== 'string') return fields(value);
  try {
    return fields(JSON.parse(value));
  } catch {
    return malformed();
  }
}

export const unsupported: Reader = () => {
  throw new ImportedHashFailure('unsupported_scheme');
};
