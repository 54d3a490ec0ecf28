// Random tokens, and the hash by which each is kept: whoever reads the table can use none.
import { createHash, randomFillSync } from 'node:crypto';

const TOKEN_BYTES = 32;
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** Drawn together: each draw by itself costs more than the rest of making a token. */
const AT_ONCE = 128;
const drawn = Buffer.alloc(TOKEN_BYTES * AT_ONCE);
let next = drawn.length;

/** 256 random bits, base64url: 43 characters. */
export function newToken(): string {
  if (next === drawn.length) {
    randomFillSync(drawn);
    next = 0;
  }
  const bytes = drawn.subarray(next, next + TOKEN_BYTES);
  next += TOKEN_BYTES;
  const token = bytes.toString('base64url');
  bytes.fill(0); // it stands nowhere but where it was asked for
  return token;
}

/** Whether `newToken` may have made this text. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** SHA-256, all that the stores know of a token. */
export function hashToken(token: string): Buffer<ArrayBuffer> {
  return createHash('sha256').update(token).digest() as Buffer<ArrayBuffer>;
}

/**
 * The same for the token of a session at an application. Hashed apart: in the place of a person's token it names nothing, in
 * any version, nor the other way round.
 */
export function hashApplicationToken(token: string): Buffer<ArrayBuffer> {
  return hashToken(`holdfast application ${token}`);
}
