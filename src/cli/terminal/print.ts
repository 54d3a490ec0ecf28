// Output for a terminal: nothing that came from outside can steer it.

// Control characters, and the marks that turn the direction of text around.
const UNSAFE = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Text made harmless for a terminal: each unsafe character becomes its code, such as `\u001b`. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** Lines of columns. The first part begins with the headings, and sets how wide the columns are. */
export function tableOf(headings: readonly string[]): (rows: readonly (readonly string[])[]) => string[] {
  let widths: readonly number[] | null = null;
  return (rows) => {
    const cells = rows.map((row) => row.map(printable));
    const lines = widths === null ? [headings, ...cells] : cells;
    const fits = (column: number) => Math.max(...lines.map((line) => (line[column] ?? '').length));
    const wide = widths ?? headings.map((_, column) => fits(column));
    widths = wide;
    return lines.map((line) =>
      line
        .map((cell, column) => cell.padEnd(wide[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  };
}

/** `1 account`, `12 accounts`; `many` where it is no such plural. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
