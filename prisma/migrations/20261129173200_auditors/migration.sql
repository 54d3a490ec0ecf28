-- Auditors read the console and change nothing. They are members with a mark: a version that does not know it takes them for
-- members, and never for operators.
ALTER TABLE "user_account" ADD COLUMN "auditor" BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE "registration" ADD COLUMN "auditor" BOOLEAN NOT NULL DEFAULT false;
CREATE INDEX "user_account_auditors_idx" ON "user_account"("email_key") WHERE "auditor";

-- A version that does not know the mark changes the role and leaves the mark: it goes, or an operator who is made a member there
-- would be an auditor again.
CREATE FUNCTION "user_account_role_ends_audit"() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.auditor := false;
    RETURN NEW;
END
$$;
CREATE TRIGGER "user_account_role_ends_audit" BEFORE UPDATE OF "role" ON "user_account"
    FOR EACH ROW WHEN (NEW."role" IS DISTINCT FROM OLD."role" AND NEW."auditor" = OLD."auditor")
    EXECUTE FUNCTION "user_account_role_ends_audit"();
