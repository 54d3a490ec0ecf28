// Asks the registry for known holes in the packages that run in production, and exits 1 if there is
// one that accepted-advisories.json does not accept, or no longer. A registry that cannot be asked
// fails nothing: it says so, and the next run asks again.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const accepted = JSON.parse(await readFile(new URL('accepted-advisories.json', import.meta.url), 'utf8'));
const today = new Date().toISOString().slice(0, 10);

/** What npm says, whatever its exit code: it is 1 when there is a hole. */
async function ask() {
  const ended = await run('npm', ['audit', '--json', '--omit=dev'], { maxBuffer: 2 ** 26 }).catch((error) => error);
  try {
    return JSON.parse(ended.stdout);
  } catch {
    return { message: String(ended.stderr ?? ended.message).trim() };
  }
}

function advisoriesIn(vulnerabilities) {
  const all = Object.values(vulnerabilities).flatMap(({ via }) => via.filter((one) => typeof one === 'object'));
  return [...new Map(all.map((one) => [one.url, one])).values()];
}

const isAccepted = ({ url }) => accepted.some((one) => url.endsWith(one.advisory) && one.until >= today);

const answer = await ask();
if (answer.vulnerabilities) {
  const open = advisoriesIn(answer.vulnerabilities).filter((one) => !isAccepted(one));
  for (const { name, range, severity, title, url } of open)
    console.error(`${severity}: ${name} ${range}: ${title} (${url})`);
  console.log(open.length === 0 ? 'no known hole in the packages' : `${open.length} known holes in the packages`);
  process.exitCode = open.length === 0 ? 0 : 1;
} else {
  console.error(`the registry could not be asked for known holes: ${answer.message ?? 'no answer'}`);
}
