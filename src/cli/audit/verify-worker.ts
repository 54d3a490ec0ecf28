// A thread that checks parts of an export, so that all cores hash.
import { workerData } from 'piscina';
import { type CheckedLines, checkLines } from '../../core/audit/verification/exports/export-lines.ts';

export default function check(bytes: Uint8Array<ArrayBuffer>): CheckedLines {
  return checkLines(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), workerData);
}
