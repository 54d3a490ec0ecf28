-- The known browser that a session began in, so that it is known no more where the session is ended as not its owner's. Null for
-- a session that an older version began, and for one at an application. Without a foreign key: old browsers are deleted.
ALTER TABLE "session" ADD COLUMN "device_id" UUID;

GRANT SELECT ("device_id") ON "session" TO "holdfast_worker";
