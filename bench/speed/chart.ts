// A bar chart as SVG, in the colours of whoever looks at it: light or dark.

export interface Bar {
  readonly name: string;
  /** A share of the longest that there can be, which is 1. */
  readonly value: number;
  readonly least: number;
  readonly most: number;
  /** Ours, which stands out. */
  readonly own: boolean;
}

const WIDTH = 760;
const ROW = 44;
const LEFT = 16;
const SCALE = 620;

/** Pages for each second of processor time, the limit being 1. */
export function drawBars(bars: readonly Bar[]): string {
  const height = bars.length * ROW + 56;
  const rows = bars.map(({ name, value, least, most, own }, index) => {
    const y = 40 + index * ROW;
    const x = (share: number) => (LEFT + share * SCALE).toFixed(1);
    return [
      `<text x="${LEFT}" y="${y + 12}"${own ? ' class="own"' : ''}>${escaped(name)}</text>`,
      `<rect x="${LEFT}" y="${y + 18}" width="${(value * SCALE).toFixed(1)}" height="12" rx="2" class="${own ? 'bar own' : 'bar'}"/>`,
      `<path d="M${x(least)} ${y + 24}H${x(most)}" class="range"/>`,
      `<text x="${(LEFT + Math.max(value, most) * SCALE + 8).toFixed(1)}" y="${y + 28}" class="value">${value.toFixed(2)}</text>`,
    ].join('\n');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Restricted pages per second of processor time, against the limit">
<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.value { font-variant-numeric: tabular-nums; fill: #57606a }
.own { font-weight: 600 }
.bar { fill: #b6bec9 }
.bar.own { fill: #2457c5 }
.range { stroke: #24292f; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .value { fill: #9198a1 }
  .bar { fill: #4d5766 }
  .bar.own { fill: #7aa2ff }
  .range { stroke: #e6edf3 }
}
</style>
<text x="${LEFT}" y="22" class="value">Restricted pages per second of processor time; the limit is 1; lines from the least to the most of the rounds</text>
${rows.join('\n')}
</svg>
`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
