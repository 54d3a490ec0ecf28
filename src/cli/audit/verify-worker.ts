// A thread that checks stretches of an export, so that all cores hash.
import { workerData } from 'piscina';
import { checkStretch, type ExportStretch } from '../../core/audit/verification/export-lines.ts';

export default function check(bytes: Uint8Array<ArrayBuffer>): ExportStretch | null {
  return checkStretch(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), workerData);
}
