// Where a test file runs: among the process's own globals, as the code does when it is shipped. Jest's usual copy of them
// makes each look at one slow, and would have every package loaded into it again. What a file changes is set back after it.
const fs = require('node:fs');
const { ModernFakeTimers } = require('@jest/fake-timers');
const { ModuleMocker } = require('jest-mock');

/** What Jest's own modules look for among the globals, so that no test's change reaches them. */
const NATIVE = {
  'jest-native-now': Date.now,
  'jest-native-promise': Promise,
  'jest-native-read-file': fs.readFileSync,
  'jest-native-write-file': fs.writeFileSync,
  'jest-native-exists-file': fs.existsSync,
};

/** What they leave there, a file's settings among it. */
const LEFT = [
  'EVENT_HANDLERS',
  'LOG_ERRORS_BEFORE_RETRY',
  'RETRY_IMMEDIATELY',
  'RETRY_TIMES',
  'RETRY_TIMES_SETTER',
  'TEST_TIMEOUT_SYMBOL',
  'WAIT_BEFORE_RETRY',
].map(Symbol.for);

class Environment {
  global = globalThis;
  fakeTimers = null;

  constructor({ projectConfig }) {
    this.found = [globalThis, process, process.env].map((object) => [object, Object.getOwnPropertyDescriptors(object)]);
    for (const [name, value] of Object.entries(NATIVE)) globalThis[Symbol.for(name)] = value;
    globalThis['jest-symbol-do-not-touch'] = Symbol;
    this.moduleMocker = new ModuleMocker(globalThis);
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
  }

  async setup() {}

  async teardown() {
    this.fakeTimersModern.dispose();
    for (const name of LEFT) delete globalThis[name];
    for (const name of Object.keys(process.env)) if (!this.found[2][1][name]) delete process.env[name];
    for (const [object, was] of this.found) setBack(object, was);
    this.global = null;
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }

  getVmContext() {
    return this.global;
  }
}

/** Of what was there; what packages add while they are loaded stays, as they do. */
function setBack(object, was) {
  for (const name of Reflect.ownKeys(was)) {
    const is = Object.getOwnPropertyDescriptor(object, name);
    if (is?.value !== was[name].value || is?.get !== was[name].get) Object.defineProperty(object, name, was[name]);
  }
}

module.exports = Environment;
