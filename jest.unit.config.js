// `npm run test:unit`: the unit tests alone, which need no servers.
import all from './jest.config.js';

const { globalSetup: _setup, globalTeardown: _teardown, ...rest } = all;

export default { ...rest, testMatch: ['<rootDir>/test/unit/**/*.test.ts'] };
