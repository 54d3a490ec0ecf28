// What a test looks for in a page's HTML: a field's value and what is said beside it, a hidden field, a link.

/** The text of an attribute or an element as a reader gets it. */
function asRead(html: string): string {
  return html
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&#34;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}

/** What a field holds when the page comes back. */
export function fieldValue(html: string, name: string): string | undefined {
  const value = new RegExp(`<input [^>]*name="${name}"[^>]*>`).exec(html)?.[0];
  const text = value === undefined ? undefined : / value="([^"]*)"/.exec(value)?.[1];
  return text === undefined ? undefined : asRead(text);
}

/** The sentence beside a field that was not accepted, and only if the field itself is marked as wrong. */
export function fieldError(html: string, name: string): string | undefined {
  const marked = new RegExp(`<input id="${name}"[^>]* aria-invalid="true"`).test(html);
  const text = new RegExp(`id="${name}-note"><span class="unseen">Error: </span>([^<]*)</p>`).exec(html)?.[1];
  return marked && text !== undefined ? asRead(text) : undefined;
}

/** The address of the first link with this text. */
export function linkTo(html: string, text: string): string | undefined {
  const href = new RegExp(`<a [^>]*href="([^"]*)"[^>]*>${text}</a>`).exec(html)?.[1];
  return href === undefined ? undefined : asRead(href);
}

/** A page without what differs at every request: tokens and request ids. */
export function withoutTokens(html: string): string {
  return html
    .replace(/name="_csrf" value="[^"]*"/g, 'name="_csrf" value=""')
    .replace(/<bdi class="mono id">[^<]*/g, '<bdi class="mono id">');
}
