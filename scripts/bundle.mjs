// Puts the modules of each program that is often started into a few files, packages included: finding, reading and compiling
// 1,300 of them takes longer than all else that a start does. The program keeps its place; what several share, and what is
// loaded only when it is needed, goes into a folder of chunks, whose names are of their content.
//
// node scripts/bundle.mjs FOLDER [CHUNKS]: the folder holds what TypeScript compiled.

import { build } from 'esbuild';

const PROGRAMS = [
  'src/web/main.js',
  'worker/main.js',
  'src/cli/main.js',
  'src/cli/first-steps.js',
  'src/cli/demo-application.js',
  'src/core/credentials/imported/thread.js',
];

/** They look for files beside their own, hold machine code, or load by need what is large. */
const LEFT_AS_PACKAGES = [
  '@bull-board/*',
  '@node-rs/*',
  '@prisma/client/runtime/query_compiler*',
  'iconv-lite',
  'koa-views',
  'pg-native',
  'piscina',
];

/** Packages of CommonJS that are imported by need: of such a one a chunk has `default` alone, no names. */
const TAKEN_BY_DEFAULT = ['bullmq'];

/** What CommonJS calls to load what is no module of its own. */
const REQUIRE = `import { createRequire as createRequireOf } from 'node:module';
const require = createRequireOf(import.meta.url);`;

const [folder, chunks = 'chunks'] = process.argv.slice(2);
if (!folder) throw new Error('usage: node scripts/bundle.mjs FOLDER [CHUNKS]');

const { metafile } = await build({
  entryPoints: PROGRAMS.map((program) => `${folder}/${program}`),
  outbase: folder,
  outdir: folder,
  allowOverwrite: true,
  bundle: true,
  splitting: true,
  chunkNames: `${chunks}/[name]-[hash]`,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  conditions: [], // as Node.js resolves packages, not as browsers' bundlers do
  external: LEFT_AS_PACKAGES,
  banner: { js: REQUIRE },
  sourcemap: true,
  sourcesContent: false,
  metafile: true,
  logLevel: 'warning',
});

const taken = TAKEN_BY_DEFAULT.map((name) => `node_modules/${name}/`);
for (const [file, { imports }] of Object.entries(metafile.inputs)) {
  if (!file.startsWith(`${folder}/`)) continue;
  for (const { kind, path } of imports) {
    const isCommonJs = kind === 'dynamic-import' && metafile.inputs[path]?.format === 'cjs';
    if (isCommonJs && !taken.some((folder) => path.includes(folder)))
      throw new Error(
        `${file} imports ${path} by need, which is CommonJS: take its default, and say so in TAKEN_BY_DEFAULT`,
      );
  }
}
