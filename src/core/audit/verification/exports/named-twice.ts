// JSON takes a field that stands twice, and its readers do not agree on which one counts. So a line that proves something has
// each field once.

/** Whether an object in this JSON has a field twice. `value` is what was read of the text. */
export function namesTwice(text: string, value: unknown): boolean {
  const colons = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').split(':').length - 1;
  return colons !== fieldsIn(value);
}

function fieldsIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner: readonly unknown[] = Object.values(value);
  return inner.reduce<number>((sum, one) => sum + fieldsIn(one), Array.isArray(value) ? 0 : inner.length);
}
