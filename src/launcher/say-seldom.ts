// Trouble that goes on is said a few times, not every ten seconds of a night.

const SPAN_MS = 600_000;
const MOST_IN_A_SPAN = 2;

/** Says a line of a kind twice in ten minutes at most. What was left out is counted in the next one that is said. */
export function saySeldom(say: (line: string) => void, now = () => performance.now()) {
  const spans = new Map<string, { since: number; count: number }>();
  return (kind: string, line: string): void => {
    const span = spans.get(kind);
    if (span && now() - span.since < SPAN_MS) {
      span.count += 1;
      if (span.count <= MOST_IN_A_SPAN) say(line);
      return;
    }
    const unsaid = Math.max((span?.count ?? 0) - MOST_IN_A_SPAN, 0);
    spans.set(kind, { since: now(), count: 1 });
    say(unsaid > 0 ? `(${unsaid} more like this since the last one) ${line}` : line);
  };
}
