# syntax=docker/dockerfile:1
# One image for every process: web (the default command), worker and migrations differ only in the command they run.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS base
WORKDIR /app
COPY package.json package-lock.json ./

# All packages, the generated database client, the compiled program.
FROM base AS build
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --no-audit --no-fund
COPY prisma.config.ts tsconfig.json tsconfig.build.json ./
COPY prisma prisma
COPY src src
COPY worker worker
COPY scripts/bundle.mjs scripts/bundle.mjs
# Generating never runs the schema engine, but it wants to see one; any executable will do, and nothing is downloaded.
RUN CHECKPOINT_DISABLE=1 PRISMA_SCHEMA_ENGINE_BINARY=/usr/local/bin/node npx prisma generate \
  && npx tsc -p tsconfig.build.json \
  && node scripts/bundle.mjs dist

# The packages that run in production. Optional ones stay out (the embedded PostgreSQL, Prisma's command line), except the
# native half of Argon2, which is optional only because there is one for each platform. Of Prisma's query compilers only
# PostgreSQL's is used.
FROM base AS packages
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund \
  && find node_modules/@prisma/client/runtime \
  \( -name '*.map' -o -name 'query_compiler_*' ! -name '*.postgresql.*' \) -delete
COPY --from=build /app/node_modules/@node-rs node_modules/@node-rs

FROM ${NODE_IMAGE}
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 PATH=/app/bin:$PATH MALLOC_ARENA_MAX=2
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
COPY bin bin
COPY prisma prisma
COPY views views
COPY deploy/recipes deploy/recipes
# For the worker's file of checkpoints; a volume that is put there gets this owner.
RUN install -d -o 1000 -g 1000 /var/lib/holdfast
# The image's user `node`, as numbers: Kubernetes can see that it is not root.
USER 1000:1000
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# One web process, itself the one that gets SIGTERM. Elsewhere: node dist/src/web/supervisor.js (several web processes in one
# container), node dist/worker/main.js, node dist/src/cli/main.js migrate. The option: docs/performance.md, "Memory and the start".
CMD ["node", "--no-allocation-site-pretenuring", "dist/src/web/main.js"]
