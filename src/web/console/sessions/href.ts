/** The page of a session, live or ended. */
export function sessionHref(id: string): string {
  return `/operator/sessions/${id}`;
}
