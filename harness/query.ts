// One statement on a database of a test's own, past the application. A superuser's connection is kept for the next statement a
// while: to make one takes ten times as long as most statements. It is in nobody's way: no limit counts it.
import pg from 'pg';

const KEPT_MS = 500;
const kept = new Map<string, Client>();

/** The types leave out by which a client keeps no process from its end. */
type Client = pg.Client & Record<'ref' | 'unref', () => void>;

export async function query<Row = Record<string, unknown>>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const keeps = leavesNothing(text) && new URL(url).username === 'postgres';
  const client = (keeps && take(url)) || (await connect(url));
  let answered = false;
  try {
    const { rows } = await client.query(text, values);
    answered = true;
    return rows as Row[];
  } finally {
    if (answered && keeps && !kept.has(url)) keep(url, client);
    else await client.end();
  }
}

/** Whether the session is after it what it was before. */
function leavesNothing(text: string): boolean {
  return /^\s*(select|insert|update|delete|with)\b/i.test(text) && !/;|set_config|advisory/i.test(text);
}

async function connect(url: string): Promise<Client> {
  const client = new pg.Client({ connectionString: url }) as Client;
  await client.connect();
  await client.query('SET search_path TO public'); // a test database has another
  return client;
}

function take(url: string): Client | undefined {
  const client = kept.get(url);
  kept.delete(url);
  client?.removeAllListeners('error');
  client?.ref();
  return client;
}

function keep(url: string, client: Client): void {
  const forget = () => {
    if (kept.get(url) !== client) return;
    kept.delete(url);
    client.end().catch(() => undefined);
  };
  client.on('error', forget);
  client.unref();
  kept.set(url, client);
  setTimeout(forget, KEPT_MS).unref();
}
