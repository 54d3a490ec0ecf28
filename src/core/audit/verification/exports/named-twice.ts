// JSON takes a field that stands twice, and its readers do not agree on which one counts. So a line that proves something has
// each field once. This is asked of each line of an export: it is written to be cheap beside reading it.

/** Whether an object in this JSON has a field twice. `value` is what was read of the text. */
export function namesTwice(text: string, value: unknown): boolean {
  return colonsIn(text) !== fieldsIn(value);
}

/** Outside of its texts: one a field. */
function colonsIn(text: string): number {
  let count = 0;
  for (let at = 0; ; ) {
    const opened = text.indexOf('"', at);
    const end = opened < 0 ? text.length : opened;
    for (let index = at; index < end; index += 1) if (text[index] === ':') count += 1;
    if (opened < 0) return count;
    at = closed(text, opened) + 1;
  }
}

/** Where a text ends that begins there. */
function closed(text: string, opened: number): number {
  for (let at = opened; ; ) {
    at = text.indexOf('"', at + 1);
    let before = at - 1;
    while (text[before] === '\\') before -= 1;
    if ((at - before) % 2 === 1) return at;
  }
}

function fieldsIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  for (const inner of Object.values(value)) count += (Array.isArray(value) ? 0 : 1) + fieldsIn(inner);
  return count;
}
