// One step of a recipe after the other.
import { createCipheriv, pbkdf2Sync, scryptSync } from 'node:crypto';
import type { Piece, Recipe, Step } from '../recipe.ts';
import { bcrypt } from './bcrypt.ts';
import { cramMd5 } from './cram-md5.ts';
import { bigCrypt, desCrypt } from './des-crypt.ts';
import { digest, hmac, sha1Crypt, stretched } from './digests.ts';
import { itoa64 } from './itoa64.ts';
import { md5Crypt } from './md5-crypt.ts';
import { shaCrypt } from './sha-crypt.ts';

const BCRYPT_BYTES = 72;
const CRAM_BYTES = 64;
/** Of a password and what is joined to it, in whatever form: far more than any system makes of it. */
const MOST_BYTES = 16 * 1024;

/** What the steps make of a password. Takes as long as it takes. @throws RangeError where a step makes it too long */
export function derive(password: Buffer, steps: Recipe['steps'], secret: Buffer | null): Buffer {
  return steps.reduce((bytes, step) => {
    const made = apply(step, bytes, (piece) => bytesOf(piece, secret));
    if (made.length > MOST_BYTES) throw new RangeError('a step makes too much of the password');
    return made;
  }, password);
}

function bytesOf(piece: Piece | undefined, secret: Buffer | null): Buffer {
  if (typeof piece !== 'object') return Buffer.from(piece ?? '', 'base64');
  if (secret === null) throw new Error('the secret of the file is missing');
  return Buffer.concat([Buffer.from(piece.before ?? '', 'base64'), secret]);
}

type Bytes = (piece: Piece | undefined) => Buffer;

function apply(step: Step, x: Buffer, of: Bytes): Buffer {
  switch (step.do) {
    case 'join':
      return Buffer.concat([of(step.before), x, of(step.after)]);
    case 'cut':
      return x.subarray(step.from ?? 0, (step.from ?? 0) + step.bytes);
    case 'text':
      return Buffer.from(step.as === 'itoa64' ? itoa64(x) : x.toString(step.as));
    case 'utf16le':
      return Buffer.from(x.toString(), 'utf16le');
    case 'fit-bcrypt':
      return x.length > BCRYPT_BYTES || x.includes(0) ? Buffer.from(digest('sha512', x).toString('base64')) : x;
    case 'digest': {
      let made = x;
      for (let time = 0; time < (step.times ?? 1); time += 1) made = digest(step.of, made);
      return made;
    }
    case 'stretch':
      return stretched(step.of, x, { salt: of(step.salt), rounds: step.rounds });
    case 'hmac': {
      const key = of(step.key);
      let made = hmac(step.of, key, x);
      for (let time = 1; time < (step.times ?? 1); time += 1) {
        made = hmac(step.of, key, Buffer.from(made.toString('hex')));
      }
      return made;
    }
    case 'hmac-key':
      return hmac(step.of, x, of(step.data));
    case 'pbkdf2':
      return pbkdf2Sync(x, of(step.salt), step.iterations, step.length, step.of);
    case 'scrypt':
      return scrypt(step, x, of(step.salt));
    case 'bcrypt':
      return Buffer.from(bcrypt(x, step.setting));
    case 'sha-crypt':
      return Buffer.from(shaCrypt(x, step.setting));
    case 'md5-crypt':
      return md5Crypt(x, { magic: step.magic, salt: of(step.salt) });
    case 'sha1-crypt':
      return sha1Crypt(x, { salt: of(step.salt), iterations: step.iterations });
    case 'des-crypt':
      return Buffer.from(step.big ? bigCrypt(x, step.salt) : desCrypt(x, step.salt));
    case 'cram-md5':
      return cramMd5(x.length > CRAM_BYTES ? digest('md5', x) : x);
    case 'aes-256-ctr': {
      const cipher = createCipheriv('aes-256-ctr', x.subarray(0, 32), Buffer.alloc(16));
      return Buffer.concat([cipher.update(of(step.data)), cipher.final()]);
    }
  }
}

function scrypt({ n, r, p, length }: Extract<Step, { do: 'scrypt' }>, password: Buffer, salt: Buffer): Buffer {
  // Node's own default of memory refuses what others take for granted.
  return scryptSync(password, salt, length, { N: n, r, p, maxmem: 128 * r * (n + p + 2) });
}
