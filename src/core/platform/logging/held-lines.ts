// Lines of the log that wait to be written, up to a bound, and what of a chunk of them is not written yet.

const MOST_HELD = 16 * 1_024 * 1_024;
const MOST_AT_ONCE = 65_536;

/** `droppedLine` says how many found no room; it follows the lines that did. */
export function createHeldLines(droppedLine: (count: number) => string) {
  let lines: string[] = [];
  /** Their characters, which are the bytes of almost every line. */
  let size = 0;
  let dropped = 0;
  let rest: Buffer | null = null;
  return {
    size: () => size,
    isEmpty: () => rest === null && lines.length === 0,
    add(text: string): void {
      if (size >= MOST_HELD) {
        dropped += 1;
        return;
      }
      lines.push(text);
      size += text.length;
    },
    /** What is to be written next; the same until it is. */
    chunk(): Buffer | null {
      if (rest !== null || lines.length === 0) return rest;
      let count = 0;
      for (let taken = 0; count < lines.length && taken < MOST_AT_ONCE; count += 1) taken += lines[count]?.length ?? 0;
      const text = lines.splice(0, count).join('');
      size -= text.length;
      if (lines.length === 0 && dropped > 0) {
        const line = droppedLine(dropped);
        [lines, size, dropped] = [[line], line.length, 0];
      }
      rest = Buffer.from(text);
      return rest;
    },
    written(bytes: number): void {
      rest = rest !== null && bytes < rest.length ? rest.subarray(bytes) : null;
    },
    drop(): void {
      [lines, size, dropped, rest] = [[], 0, 0, null];
    },
  };
}
