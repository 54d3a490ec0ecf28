// How a test file's modules are loaded: ours anew for each file, packages once for each process, as Node loads them. Jest
// would load both anew, which takes longer than many a file's tests. Its own modules are compiled once.
const { statSync } = require('node:fs');
const { isBuiltin } = require('node:module');
const vm = require('node:vm');
const { default: JestRuntime } = require('jest-runtime');

/** Of this process: what a file became, and what V8 made of it. */
const transformed = new Map();
const compiled = new Map();

class Runtime extends JestRuntime {
  constructor(...given) {
    super(...given);
    this._resolution.hasDistinctAsyncResolver = () => true; // so that every import comes through resolveModule
    this.esmLoader.getContext = () => undefined; // the process's own
    this.executor.compile = (source, filename) => compile(this.executor.injectedModuleParameters, source, filename);
    useOnce(this.transformCache);
    usePackages(this.esmLoader, this.registries);
  }
}

function usePackages(loader, registries) {
  const { resolveModule } = loader;
  loader.resolveModule = (specifier, from, context) => {
    if (!isPackage(specifier)) return resolveModule.call(loader, specifier, from, context);
    const registry = registries.getActiveEsmRegistry();
    const key = `package:${specifier}`;
    if (!registry.has(key)) registry.set(key, load(specifier));
    return registry.get(key);
  };
}

function isPackage(specifier) {
  return !/^(\.|\/|\w+:)/.test(specifier) && specifier !== '@jest/globals' && !isBuiltin(specifier);
}

async function load(specifier) {
  const namespace = await import(specifier);
  const names = Object.keys(namespace);
  const setExports = function () {
    for (const name of names) this.setExport(name, namespace[name]);
  };
  const module = new vm.SyntheticModule(names, setExports, { identifier: specifier });
  await module.link(() => undefined);
  await module.evaluate();
  return module;
}

function compile(parameters, source, filename) {
  const cachedData = compiled.get(filename);
  const script = vm.compileFunction(source, parameters, { filename, cachedData, produceCachedData: !cachedData });
  if (!cachedData || script.cachedDataRejected) compiled.set(filename, script.cachedData);
  return script;
}

/** A file that has not changed is read and transformed once. */
function useOnce(cache) {
  const { transform } = cache;
  cache.transform = (filename, options) => {
    const key = `${filename}|${statSync(filename).mtimeMs}|${JSON.stringify(options)}`;
    const known = transformed.get(key);
    if (!known) {
      const code = transform.call(cache, filename, options);
      transformed.set(key, { code, sourceMap: cache.sourceMaps.get(filename) });
      return code;
    }
    if (known.sourceMap) cache.sourceMaps.set(filename, known.sourceMap);
    return known.code;
  };
}

module.exports = Runtime;
