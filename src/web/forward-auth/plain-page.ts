// A page that stands by itself: on an application's host nothing of ours but `/.holdfast/` is reachable, so it brings its style
// along and needs nothing else.
import { createHash } from 'node:crypto';

export interface PlainPage {
  readonly language: string;
  readonly serviceName: string;
  readonly heading: string;
  readonly paragraphs: readonly string[];
  readonly link?: { readonly href: string; readonly label: string; readonly newTab?: boolean };
  /** Buttons of one form, by the value of `scope`. */
  readonly form?: { readonly action: string; readonly buttons: readonly (readonly [scope: string, label: string])[] };
  /** The line that quotes the request's id; none where nothing went wrong. */
  readonly trace?: string | null;
}

/** The colours and sizes of views/assets/holdfast.css. */
const STYLE = `:root{color-scheme:light dark;--ground:#fcfcfa;--ink:#1c211f;--quiet:#5b635f;--accent:#17705c;--on-accent:#fff}
@media (prefers-color-scheme:dark){:root{--ground:#131614;--ink:#e7ebe8;--quiet:#9ea8a3;--accent:#6cc7ae;--on-accent:#06231b}}
body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere}
header,main{max-width:24rem;margin:0 auto;padding:1rem 1.25rem}header{color:var(--quiet);font-size:.9375rem}
h1{font-size:1.625rem;line-height:1.25;margin:1rem 0}.id{color:var(--quiet);font-size:.8125rem}
a.button,button{display:inline-block;box-sizing:border-box;min-height:2.75rem;padding:.625rem 1rem;margin:.25rem .5rem .25rem 0;
border:1px solid var(--accent);border-radius:.375rem;background:var(--accent);color:var(--on-accent);font:inherit;text-decoration:none;cursor:pointer}
button.second{background:none;color:var(--accent)}:focus-visible{outline:2px solid var(--accent);outline-offset:2px}`;

const HASH = createHash('sha256').update(STYLE).digest('base64');

export const PLAIN_PAGE_HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin',
} as const;

export function plainPage({ language, serviceName, heading, paragraphs, link, form, trace }: PlainPage): string {
  const tab = link?.newTab ? ' target="_blank" rel="noopener"' : '';
  const action = link ? `<p><a class="button" href="${escaped(link.href)}"${tab}>${escaped(link.label)}</a></p>\n` : '';
  const quoted = trace ? `<p class="id">${escaped(trace)}</p>\n` : '';
  return `<!doctype html>
<html lang="${escaped(language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(heading)} · ${escaped(serviceName)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>${escaped(serviceName)}</header>
<main>
<h1>${escaped(heading)}</h1>
${paragraphs.map((text) => `<p>${escaped(text)}</p>\n`).join('')}${action}${form ? formOf(form) : ''}${quoted}</main>
</body>
</html>
`;
}

function formOf({ action, buttons }: NonNullable<PlainPage['form']>): string {
  const written = buttons.map(
    ([scope, label], index) =>
      `<button type="submit" name="scope" value="${escaped(scope)}"${index === 0 ? '' : ' class="second"'}>${escaped(label)}</button>`,
  );
  return `<form method="post" action="${escaped(action)}">${written.join('')}</form>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
