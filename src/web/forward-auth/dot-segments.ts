// Paths that not everybody reads as the same path: a proxy, a server and an application resolve `..` at different moments.

/** So often is a path decoded, one time more than anything on its way should; a path with still more in it is one of these. */
const MOST_DECODINGS = 4;

/**
 * Whether a path (without its query) has a segment `.` or `..`, as it is written or however often it is decoded, with whatever
 * slash, and with parameters behind it.
 */
export function hasDotSegments(path: string): boolean {
  let read = path;
  for (let count = 0; count <= MOST_DECODINGS; count += 1) {
    if (read.split(/[/\\]/).some(isDots)) return true;
    const decoded = read.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    if (decoded === read) return false;
    read = decoded;
  }
  return true;
}

function isDots(segment: string): boolean {
  return /^\.\.?(?:;|$)/.test(segment);
}
