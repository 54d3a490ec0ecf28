// Signed notes and checkpoints as C2SP describes them (signed-note, tlog-checkpoint, tlog-cosignature), with
// Ed25519. Pure.
import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import { publicKeyOf, rawPublicKey } from '../ed25519.ts';
import type { TreeHead } from './merkle.ts';

/** How a key signs: as the log itself, or as a witness of it. */
export type SignatureType = 1 | 4;

/** A key under its name, as signature lines have it. */
export interface NamedKey {
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly type: SignatureType;
}

export interface SignatureLine {
  readonly name: string;
  readonly id: Buffer;
  readonly signature: Buffer;
  readonly text: string;
}

export interface Note {
  /** With its last line feed. */
  readonly body: string;
  readonly signatures: readonly SignatureLine[];
}

export interface NoteHead extends TreeHead {
  readonly origin: string;
}

const DASH = '\u2014';
const MOST_SIGNATURES = 64;

export function bodyOf({ origin, size, root }: NoteHead): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`;
}

/** A checkpoint, signed under its origin. */
export function signNote(
  head: NoteHead,
  key: { readonly privateKey: KeyObject; readonly publicKey: KeyObject },
): string {
  const body = bodyOf(head);
  const named: NamedKey = { name: head.origin, publicKey: key.publicKey, type: 1 };
  return `${body}\n${lineOf(named, sign(null, Buffer.from(body), key.privateKey))}`;
}

/** A line of a witness, over the note's body. `time` in seconds since 1970. */
export function cosign(
  body: string,
  name: string,
  time: number,
  key: { privateKey: KeyObject; publicKey: KeyObject },
): string {
  const stamp = Buffer.alloc(8);
  stamp.writeBigUInt64BE(BigInt(time));
  const signature = sign(null, cosigned(body, time), key.privateKey);
  return lineOf({ name, publicKey: key.publicKey, type: 4 }, Buffer.concat([stamp, signature]));
}

function cosigned(body: string, time: number | bigint): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${time}\n${body}`);
}

function lineOf(key: NamedKey, signature: Buffer): string {
  return `${DASH} ${key.name} ${Buffer.concat([idOf(key), signature]).toString('base64')}\n`;
}

/** The first four bytes of a hash over name, type and key. */
export function idOf({ name, publicKey, type }: NamedKey): Buffer {
  const hash = createHash('sha256')
    .update(`${name}\n`)
    .update(Buffer.from([type]));
  return hash.update(rawPublicKey(publicKey)).digest().subarray(0, 4);
}

/** Null where it is none. */
export function parseNote(text: string): Note | null {
  const end = text.lastIndexOf('\n\n');
  if (end <= 0 || !text.endsWith('\n') || /[\u0000-\u0009\u000b-\u001f]/.test(text)) return null;
  const signatures = parseLines(text.slice(end + 2));
  return signatures && signatures.length > 0 ? { body: text.slice(0, end + 1), signatures } : null;
}

/** Signature lines alone, as a witness answers. Null where one is none. */
export function parseLines(text: string): SignatureLine[] | null {
  const lines = text.split('\n').slice(0, -1);
  if (lines.length > MOST_SIGNATURES) return null;
  const parsed = lines.map((line) => {
    const [, name = '', base64 = ''] = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? [];
    const bytes = Buffer.from(base64, 'base64');
    return { name, id: bytes.subarray(0, 4), signature: bytes.subarray(4), text: `${line}\n` };
  });
  return parsed.every(({ name, signature }) => name !== '' && signature.length > 0) ? parsed : null;
}

/** Null where the body is no checkpoint. */
export function headOf({ body }: Note): NoteHead | null {
  const [origin = '', size = '', root = ''] = body.split('\n');
  const bytes = Buffer.from(root, 'base64');
  const isSize = /^(0|[1-9]\d{0,15})$/.test(size);
  if (origin === '' || !isSize || bytes.length !== 32 || bytes.toString('base64') !== root) return null;
  return { origin, size: Number(size), root: bytes };
}

/** The line that says to be of this key. */
export function lineBy({ signatures }: Note, key: NamedKey): SignatureLine | undefined {
  const id = idOf(key);
  return signatures.find((one) => one.name === key.name && one.id.equals(id));
}

/** Null if the key has not signed; false if its signature is wrong. */
export function isSignedBy(note: Note, key: NamedKey): boolean | null {
  const { body } = note;
  const line = lineBy(note, key);
  if (!line) return null;
  if (key.type === 1) return verify(null, Buffer.from(body), key.publicKey, line.signature);
  if (line.signature.length !== 72) return false;
  const time = line.signature.readBigUInt64BE();
  return verify(null, cosigned(body, time), key.publicKey, line.signature.subarray(8));
}

/** When a witness signed, in seconds since 1970; null where it is no such signature. */
export function timeOf({ signature }: SignatureLine): number | null {
  return signature.length === 72 ? Number(signature.readBigUInt64BE()) : null;
}

/** A verifier key, NAME+ID+KEY, as C2SP writes it; null where it is none of Ed25519. */
export function parseVerifierKey(text: string): NamedKey | null {
  const [, name = '', id = '', base64 = ''] =
    /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(text.trim()) ?? [];
  const bytes = Buffer.from(base64, 'base64');
  const type = bytes[0];
  if (bytes.length !== 33 || (type !== 1 && type !== 4)) return null;
  const key: NamedKey = { name, publicKey: publicKeyOf(bytes.subarray(1)), type };
  return idOf(key).toString('hex') === id ? key : null;
}

export function verifierKey(key: NamedKey): string {
  const bytes = Buffer.concat([Buffer.from([key.type]), rawPublicKey(key.publicKey)]);
  return `${key.name}+${idOf(key).toString('hex')}+${bytes.toString('base64')}`;
}
