// Functions that run with the owner's rights do nothing else for whoever calls them: a type or a table that the caller makes under
// a name that they use is not theirs.
import { expect, test } from '@jest/globals';
import { query } from '../../harness/query.ts';
import { world } from '../support/world.ts';

const { stores } = await world({ webs: 0 });

const NOBODY = '018f0000-0000-7000-8000-000000000001';

/** A type in the caller's temporary schema whose values are looked at by a function of the caller's. */
const LURE = `
  CREATE FUNCTION pg_temp.look(pg_catalog.text) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the lure runs as %', current_user; END $$;
  CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (pg_temp.look(VALUE));`;

test('a type of the caller that is named like one of theirs is not used', async () => {
  const { webUrl, superuserUrl } = stores.database;
  await query(
    superuserUrl,
    `INSERT INTO outbox (event) VALUES (jsonb_build_object('type', 'user_created', 'outcome', 'success', 'subject', '${NOBODY}', 'ip', '192.0.2.1'))`,
  );
  await query(
    superuserUrl,
    `INSERT INTO user_account (id, email, email_key, password_hash, disabled_at, deleted_at)
     VALUES ('${NOBODY}', 'deleted:${NOBODY}', 'deleted:${NOBODY}', '', now(), now())`,
  );
  await expect(query(webUrl, `${LURE} SELECT 'a'::pg_temp.text`)).rejects.toThrow('the lure runs as');
  for (const call of ['outbox_account_changes', 'audit_erase_person'])
    await query(webUrl, `${LURE} SELECT ${call}('${NOBODY}')`);
});

test('each of them looks into the temporary schema last', async () => {
  const functions = await query<{ name: string; path: string | null }>(
    stores.database.ownerUrl,
    `SELECT proname AS name, (SELECT setting FROM unnest(proconfig) AS setting WHERE setting LIKE 'search_path=%') AS path
       FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef ORDER BY proname`,
  );
  expect(functions.length).toBeGreaterThanOrEqual(7);
  for (const { name, path } of functions)
    expect({ name, path }).toEqual({ name, path: 'search_path=pg_catalog, public, pg_temp' });
});

test('who serves and who seals makes no temporary objects', async () => {
  const [may] = await query(
    stores.database.superuserUrl,
    `SELECT has_database_privilege('holdfast_web', 'holdfast_template', 'TEMPORARY') AS web,
            has_database_privilege('holdfast_worker', 'holdfast_template', 'TEMPORARY') AS worker`,
  );
  expect(may).toEqual({ web: false, worker: false });
});
