// The keys whose checkpoints the environment trusts.

/** The public part of the signing key first. Throws where the configuration can't be used. */
export async function publicKeysOf(env: NodeJS.ProcessEnv): Promise<string[]> {
  const { readConfig } = await import('../../core/config.ts');
  const complete = env['REDIS_URL'] ? env : { ...env, REDIS_URL: 'redis://localhost' }; // of no use here
  const { signingKey, publicKeys } = readConfig(complete, { signs: false }).audit;
  return [...new Set([...(signingKey ? [signingKey.publicText] : []), ...publicKeys])];
}
