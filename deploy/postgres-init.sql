-- Run once, by PostgreSQL's image, when the volume is empty: the owner of the schema, who is no superuser, and its database.
-- Migrations make the tables and the login roles of the web processes and the worker.
\getenv password DATABASE_OWNER_PASSWORD
CREATE ROLE holdfast LOGIN CREATEROLE PASSWORD :'password';
CREATE DATABASE holdfast OWNER holdfast;
