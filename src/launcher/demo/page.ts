// The page of the demo: what the application is told of whoever asks, and nothing that it found out itself.
import type { IncomingHttpHeaders } from 'node:http';

const TOLD = ['HoldfastEmail', 'HoldfastUser', 'HoldfastGroups'];

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff; }
body { max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.5rem 1rem 0.5rem 0; border-bottom: 1px solid #8888; }
td { overflow-wrap: anywhere; }
th { font-weight: 600; }
a { color: #0b4fb3; }
@media (prefers-color-scheme: dark) {
  :root { color: #eee; background: #121212; }
  a { color: #9cc4ff; }
}
`;

export function pageOf(headers: IncomingHttpHeaders): string {
  const rows = TOLD.map((header) => rowOf(header, headers[header.toLowerCase()]));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>An application behind Holdfast</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>An application behind Holdfast</h1>
<p>This application has no log-in of its own. It reads these headers, which nginx sets after Holdfast has
let the request pass:</p>
<table>
<thead><tr><th scope="col">Header</th><th scope="col">Value</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
<p><a href="/.holdfast/logout">Log out</a></p>
</main>
</body>
</html>
`;
}

function rowOf(header: string, value: string | string[] | undefined): string {
  const said = [value ?? []].flat().join(', ');
  return `<tr><th scope="row"><code>${header}</code></th><td>${escaped(said) || '<i>empty</i>'}</td></tr>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
