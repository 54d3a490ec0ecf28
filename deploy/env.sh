#!/bin/sh
# Writes .env for docker compose, with random secrets: sh deploy/env.sh https://login.example.org
set -eu
if [ $# -ne 1 ]; then
  echo 'usage: sh deploy/env.sh https://login.example.org' >&2
  exit 2
fi
case $1 in
  */ | */*/*/* | *' '*) ok= ;;
  https://?*) ok=yes ;;
  *) ok= ;;
esac
if [ -z "$ok" ]; then
  echo "Not an address such as https://login.example.org (no path, no slash at the end): $1" >&2
  exit 2
fi
cd "$(dirname "$0")/.."
if [ -e .env ]; then
  echo '.env is there already; its secrets are in use. Nothing was changed.' >&2
  exit 1
fi
secret() {
  od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}
umask 077
cat > .env <<END
PUBLIC_URL=$1
SESSION_KEYS=$(secret)
SECRETS_KEYS=$(secret)
POSTGRES_PASSWORD=$(secret)
DATABASE_OWNER_PASSWORD=$(secret)
DATABASE_WEB_PASSWORD=$(secret)
DATABASE_WORKER_PASSWORD=$(secret)
REDIS_PASSWORD=$(secret)
AUDIT_SIGNING_KEY=$(secret)
END
echo 'Wrote .env, readable by you alone. .env.example lists what else can be set in it.'
