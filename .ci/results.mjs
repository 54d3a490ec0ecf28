// What CI makes of the results of its runs, as Jest writes them with --json.
//   node .ci/results.mjs again ALL             the files that get a second try, a line each; none where too many failed
//   node .ci/results.mjs count AGAIN RUN...    the last line of CI; fails where a test has. What AGAIN has takes the place of the same file in the first RUN
import { readFileSync } from 'node:fs';

/** Chance, on a busy machine, is one file or two. More have a cause. */
const MOST_AGAIN = 2;

const NO_RESULT = { numFailedTests: 1, testResults: [] };
const [what, ...files] = process.argv.slice(2);
if (what === 'again') again(files[0]);
else process.exitCode = count(files);

function again(file) {
  const names = read(file)
    .testResults.filter(isFailed)
    .map(({ name }) => name);
  if (names.length <= MOST_AGAIN) for (const name of names) console.log(name);
}

function count([againFile, ...runs]) {
  const second = new Map(read(againFile, { testResults: [] }).testResults.map((one) => [one.name, one]));
  let [passed, failed] = [0, 0];
  for (const [index, run] of runs.entries()) {
    const { testResults, numFailedTests } = read(run);
    if (testResults.length === 0) failed += numFailedTests;
    for (const first of testResults) {
      const tried = index === 0 ? second.get(first.name) : undefined;
      if (tried)
        console.log(`${isFailed(tried) ? 'failed twice' : 'PASSED ONLY WHEN TRIED AGAIN, ALONE'}: ${first.name}`);
      const result = tried ?? first;
      const failures = result.assertionResults.filter(({ status }) => status === 'failed').length;
      passed += result.assertionResults.filter(({ status }) => status === 'passed').length;
      // A file that broke outside of a test has none to count as failed; it counts as one.
      failed += isFailed(result) ? Math.max(1, failures) : 0;
    }
  }
  console.log(`tests: ${passed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

function isFailed({ status }) {
  return status === 'failed';
}

/** Without `otherwise`, a run that left no result counts as one failure. */
function read(file, otherwise = NO_RESULT) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    if (otherwise === NO_RESULT) console.log('The tests ended before there was a result.');
    return otherwise;
  }
}
