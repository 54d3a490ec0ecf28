-- People who come from another system, with the passwords that it kept.

-- Their id in the system that they come from: an import that is repeated finds them by it.
ALTER TABLE "user_account" ADD COLUMN "external_id" TEXT;

-- What a file of secrets holds for the passwords of one import, such as a pepper. Encrypted with SECRETS_KEYS.
CREATE TABLE "import_secret" (
    "id" UUID NOT NULL,
    "encrypted" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT "import_secret_pkey" PRIMARY KEY ("id")
);

-- A password as the other system kept it, until its owner logs in. The account's own password_hash matches nothing meanwhile:
-- a version that does not know this table says that the password is wrong.
CREATE TABLE "imported_password" (
    "user_id" UUID NOT NULL,
    "scheme" TEXT NOT NULL,
    "stored" TEXT NOT NULL,
    "secret_id" UUID,
    "imported_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT "imported_password_pkey" PRIMARY KEY ("user_id")
);
ALTER TABLE "imported_password" ADD CONSTRAINT "imported_password_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "user_account"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "imported_password" ADD CONSTRAINT "imported_password_secret_id_fkey" FOREIGN KEY ("secret_id") REFERENCES "import_secret"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
CREATE INDEX "imported_password_secret_id_idx" ON "imported_password"("secret_id");

-- Whom a repeated import must not bring back: the SHA-256 of the external id of a deleted account.
CREATE TABLE "deleted_external_id" (
    "hash" BYTEA NOT NULL,
    "deleted_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT "deleted_external_id_pkey" PRIMARY KEY ("hash")
);

GRANT SELECT, INSERT, DELETE ON "imported_password" TO "holdfast_web";
GRANT SELECT, INSERT, UPDATE ("encrypted"), DELETE ON "import_secret" TO "holdfast_web";
GRANT SELECT, INSERT ON "deleted_external_id" TO "holdfast_web";

-- Holds for every process and version: whatever gives an account another password takes the imported one away.
CREATE FUNCTION "password_replaces_imported"() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    DELETE FROM public."imported_password" WHERE "user_id" = NEW."id";
    RETURN NULL;
END
$$;
CREATE TRIGGER "imported_password_replaced" AFTER UPDATE OF "password_hash" ON "user_account"
    FOR EACH ROW WHEN (OLD."password_hash" IS DISTINCT FROM NEW."password_hash")
    EXECUTE FUNCTION "password_replaces_imported"();

-- A secret goes with the last password that needs it. While many are left it need not be locked: not all of them can go at once.
CREATE FUNCTION "import_secret_unused"() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF (SELECT count(*) FROM (SELECT FROM public."imported_password" WHERE "secret_id" = OLD."secret_id" LIMIT 100) AS "left") = 100 THEN
        RETURN NULL;
    END IF;
    PERFORM FROM public."import_secret" WHERE "id" = OLD."secret_id" FOR UPDATE;
    DELETE FROM public."import_secret"
     WHERE "id" = OLD."secret_id" AND NOT EXISTS (SELECT FROM public."imported_password" WHERE "secret_id" = OLD."secret_id");
    RETURN NULL;
END
$$;
CREATE TRIGGER "import_secret_last" AFTER DELETE ON "imported_password"
    FOR EACH ROW WHEN (OLD."secret_id" IS NOT NULL)
    EXECUTE FUNCTION "import_secret_unused"();

-- A deleted account keeps no external id.
CREATE FUNCTION "forget_external_id"() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO public."deleted_external_id" ("hash") VALUES (sha256(convert_to(OLD."external_id", 'UTF8'))) ON CONFLICT DO NOTHING;
    NEW."external_id" := NULL;
    RETURN NEW;
END
$$;
CREATE TRIGGER "external_id_of_deleted" BEFORE UPDATE OF "deleted_at" ON "user_account"
    FOR EACH ROW WHEN (NEW."deleted_at" IS NOT NULL AND OLD."external_id" IS NOT NULL)
    EXECUTE FUNCTION "forget_external_id"();
