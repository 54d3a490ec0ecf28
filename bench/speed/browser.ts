// What the bench does by hand before it measures: opens pages and sends their forms.
export const PASSWORD = 'correct horse battery staple';

export interface Page {
  readonly html: string;
  /** The token of its forms. */
  readonly csrf: string;
  /** The cookies that the answer sets, as a browser sends them back. */
  readonly cookie: string;
}

export async function fetchPage(port: number, path: string, cookie = ''): Promise<Page> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie }, redirect: 'manual' });
  const html = await answer.text();
  if (answer.status !== 200) throw new Error(`GET ${path} answered ${answer.status}`);
  const csrf = /name="_csrf" value="([^"]+)"/.exec(html)?.[1] ?? '';
  return { html, csrf, cookie: cookiesOf(answer) };
}

/** Sends a form and returns the cookie of the session that has begun. */
export async function submit(
  port: number,
  path: string,
  { cookie }: Page,
  fields: Readonly<Record<string, string>>,
): Promise<string> {
  const body = new URLSearchParams(fields);
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { cookie },
    body,
    redirect: 'manual',
  });
  const session = cookiesOf(answer)
    .split('; ')
    .find((one) => one.startsWith('holdfast_session='));
  if (session === undefined) throw new Error(`POST ${path} answered ${answer.status} and began no session`);
  return session;
}

function cookiesOf(answer: Response): string {
  return answer.headers
    .getSetCookie()
    .map((one) => one.split(';', 1)[0])
    .join('; ');
}
