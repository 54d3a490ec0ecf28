// For `npm run up -- --demo`: registers the application `demo` once, follows it to another port, and prints the recipe of the
// nginx in front of it. A process of its own with the web processes' environment, because the launcher holds no application code.
import { type Application, inWords, settingsOf } from '../core/applications/application.ts';
import type { Applications } from '../core/applications/applications.ts';
import { hostnameOf } from '../core/applications/origins.ts';
import type { TypedSettings } from '../core/applications/typed-settings.ts';
import { writeRecipe } from '../core/forward-auth/recipes.ts';
import { withContext } from './connect.ts';
import { callerFor } from './terminal/caller.ts';
import { sentenceOf } from './terminal/errors.ts';
import { printableLines } from './terminal/print.ts';

const SLUG = 'demo';
const REASON = 'npm run up -- --demo';

const FIRST: Omit<TypedSettings, 'url'> = {
  name: 'Demo',
  everybody: true,
  groups: [],
  secondFactor: false,
  recentLogin: '',
  idle: '',
  absolute: '',
  preflight: false,
  framedBy: [],
  remoteUser: false,
};

const [url = '', upstream = '', holdfast = ''] = process.argv.slice(2);
try {
  const application = await withContext(({ applications }) => registered(applications));
  const recipe = writeRecipe('nginx', application, { listen: Number(new URL(url).port), upstream, holdfast });
  if (!recipe.ok) throw new Error(`The recipe does not take its ${recipe.problem}.`);
  process.stdout.write(recipe.files[0]?.text ?? '');
} catch (error) {
  process.stderr.write(`${printableLines(await sentenceOf(error))}\n`);
  process.exitCode = 1;
}

/** Of one that is there already only the origin is changed: what operators set of it stays. */
async function registered(applications: Applications): Promise<Application> {
  const found = await applications.findBySlug(SLUG);
  if (found?.url === url) return found;
  if (found && hostnameOf(found.url) !== hostnameOf(url))
    throw new Error(
      `There is an application ${SLUG} at ${found.url}, which is another one. Start without --demo, or remove it there first.`,
    );
  const caller = await callerFor({ reason: REASON });
  const result = found
    ? await applications.change(found.id, { ...typed(found), url }, caller)
    : await applications.register(SLUG, { ...FIRST, url }, caller);
  if (result.ok) return result.application;
  throw new Error(
    result.reason === 'problems' ? Object.values(result.problems).join('\n') : 'It was changed meanwhile.',
  );
}

function typed(application: Application): TypedSettings {
  const settings = settingsOf(application);
  const { recent_login, idle, absolute } = inWords(settings);
  return { ...settings, recentLogin: recent_login ?? '', idle: idle ?? '', absolute: absolute ?? '' };
}
