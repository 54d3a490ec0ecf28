// Prisma's schema engine in its WebAssembly build.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import { projectRoot } from '../project-root.ts';
import type { WholeScripts } from './whole-scripts.ts';

export interface SchemaEngine {
  applyMigrations(input: object): Promise<{ appliedMigrationNames: string[] }>;
  free?(): void;
}

interface EngineModule {
  SchemaEngine: { new: (options: object, log: (line: string) => void, adapter: unknown) => Promise<SchemaEngine> };
  __wbg_set_wasm(exports: WasmExports): void;
}

/** The part of WebAssembly that is used here: Node's types have none of it. */
type WasmExports = Record<string, () => void>;
interface WasmGlobal {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: WasmExports } }>;
}

let engineModule: Promise<EngineModule> | null = null;

/** An engine that applies migrations through `scripts`; whoever opens it frees it. */
export async function openEngine(scripts: WholeScripts): Promise<SchemaEngine> {
  engineModule ??= instantiate();
  const { SchemaEngine } = await engineModule;
  const schemaPath = path.join(projectRoot, 'prisma', 'schema.prisma');
  const datamodels = [[schemaPath, await readFile(schemaPath, 'utf8')]];
  return SchemaEngine.new({ datamodels }, () => undefined, bindMigrationAwareSqlAdapterFactory(scripts));
}

async function instantiate(): Promise<EngineModule> {
  const folderOfEngine = path.dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm'));
  const glue = (await import(path.join(folderOfEngine, 'schema_engine_bg.js'))) as EngineModule;
  Object.assign(globalThis, {
    PRISMA_WASM_PANIC_REGISTRY: { set_message: (message: string) => process.stderr.write(`${message}\n`) },
  });
  const { WebAssembly } = globalThis as unknown as { WebAssembly: WasmGlobal };
  const { instance } = await WebAssembly.instantiate(
    await readFile(path.join(folderOfEngine, 'schema_engine_bg.wasm')),
    { './schema_engine_bg.js': glue },
  );
  glue.__wbg_set_wasm(instance.exports);
  instance.exports['__wbindgen_start']?.();
  return glue;
}
