// What is shipped to run Holdfast elsewhere: the image, the Compose file, the list of settings. Read with real parsers, and held
// against the code that reads the settings.
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { Copy, DockerfileParser, type Instruction, type JSONInstruction } from 'dockerfile-ast';
import { parse, parseAllDocuments } from 'yaml';
import { readConfig } from '../../src/core/config.ts';
import { projectRoot } from '../../src/core/platform/project-root.ts';
import { SECRET_SETTINGS } from '../../src/secret-files.ts';
import { NO_PRETENURING } from '../../src/supervisor/web-processes.ts';

interface Service {
  readonly image: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly user?: string;
  readonly restart: string;
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly ports?: readonly string[];
  readonly environment: Readonly<Record<string, string | null>>;
  readonly healthcheck: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly networks: readonly string[];
  readonly volumes?: readonly string[];
  readonly stop_grace_period: string;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<
    Record<
      string,
      { readonly internal?: boolean; readonly ipam?: { readonly config: readonly { subnet: string }[] } } | null
    >
  >;
}

const read = (file: string) => readFileSync(path.join(projectRoot, file), 'utf8');

const composeText = read('docker-compose.yml');
const compose = parse(composeText, { merge: true }) as Compose;
const services = Object.entries(compose.services);
const service = (name: string): Service => compose.services[name] ?? fail(`no service ${name}`);
const processes = ['web-a', 'web-b', 'worker'] as const;

const instructions = DockerfileParser.parse(read('Dockerfile')).getInstructions();
const lastStage = instructions.slice(instructions.findLastIndex((one) => one.getKeyword() === 'FROM'));
const copiesIn = (stage: readonly Instruction[]) =>
  stage
    .filter((one) => one instanceof Copy)
    .map((one) => ({
      from: one.getFromFlag()?.getValue() ?? null,
      paths: one.getArguments().map((argument) => argument.getValue()),
    }));
const instruction = (keyword: string): Instruction =>
  lastStage.find((one) => one.getKeyword() === keyword) ?? fail(`no ${keyword} in the last stage`);

/** Name → default (empty where there is none), as `.env.example` has them. */
const example = new Map(
  [...read('.env.example').matchAll(/^(?:# )?([A-Z][A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [
    name,
    value,
  ]),
);
/** Name → the second cell of its row in the tables of docs/settings.md. */
const documented = new Map(
  [...read('docs/settings.md').matchAll(/^\| `([A-Z][A-Z_]+)` \| (.*?) \|/gm)].map(([, name = '', cell = '']) => [
    name,
    cell,
  ]),
);

/** What a file reads of the environment, however it does that. */
function variablesOf(file: string): string[] {
  const ways = [
    /^ {2}([A-Z][A-Z_]+): (?:z\.|oneOf|integer|duration|url|list|languages|mailbox|networks|rule|alone|bearer|webhookKeys)/gm,
    /\benv\.([A-Z][A-Z_]+)\b/g,
    /\benv\['([A-Z][A-Z_]+)'\]/g,
    /\b(?:number|url)\('([A-Z][A-Z_]+)'/g,
  ];
  const text = read(file);
  return ways.flatMap((way) => [...text.matchAll(way)].map(([, name = '']) => name)).filter((name) => name !== 'PATH');
}

const configVariables = new Set(variablesOf('src/core/config-schema.ts'));
const allVariables = new Set([
  ...configVariables,
  ...['src/launcher/settings.ts', 'src/supervisor/settings.ts', 'src/cli/migrate.ts'].flatMap(variablesOf),
  ...SECRET_SETTINGS.map((name) => `${name}_FILE`),
]);
/** What Compose puts into the variables of the program, or gives to the servers. */
const composeVariables = new Set([...composeText.matchAll(/(?<!\$)\$\{([A-Z_]+)/g)].map(([, name = '']) => name));

function fail(problem: string): never {
  throw new Error(problem);
}

const seconds = (text: string) => Number(/^(\d+)s$/.exec(text)?.[1] ?? fail(`not in seconds: ${text}`));

describe('the image', () => {
  test('runs as a numbered user who is not root', () => {
    expect(instruction('USER').getArgumentsContent()).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  });

  test('lets SIGTERM reach the program: no shell before it', () => {
    expect(instruction('STOPSIGNAL').getArgumentsContent()).toBe('SIGTERM');
    const command = (instruction('CMD') as JSONInstruction).getJSONStrings().map((one) => one.getJSONValue());
    expect(command).toEqual(['node', NO_PRETENURING, 'dist/src/web/main.js']);
    expect(lastStage.some((one) => one.getKeyword() === 'ENTRYPOINT')).toBe(false);
  });

  test('asks the program for its health, with what the image has', () => {
    const check = instruction('HEALTHCHECK').getArgumentsContent() ?? '';
    expect(check).toMatch(/CMD \["node", "-e", ".*\/healthz.*"\]/);
  });

  test('installs what the lock file says, without what only development needs', () => {
    const runs = instructions.filter((one) => one.getKeyword() === 'RUN').map((one) => one.getArgumentsContent() ?? '');
    const installs = runs.filter((run) => run.includes('npm '));
    expect(installs).toHaveLength(2);
    for (const run of installs) expect(run).toContain('npm ci');
    expect(installs.filter((run) => run.includes('--omit=dev --omit=optional'))).toHaveLength(1);
    expect(copiesIn(lastStage).filter(({ from }) => from !== null)).toEqual([
      { from: 'packages', paths: ['/app/node_modules', 'node_modules'] },
      { from: 'build', paths: ['/app/dist', 'dist'] },
    ]);
  });

  test('gets nothing that is not named: no .env, no data, no history', () => {
    const [first, ...rest] = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(first).toBe('*');
    expect(rest.filter((line) => line.startsWith('!')).map((line) => line.slice(1))).toEqual(
      expect.arrayContaining(['package.json', 'package-lock.json', 'prisma', 'src', 'views', 'worker']),
    );
    expect(rest.some((line) => line.includes('.env'))).toBe(false);
  });

  test('is given only files that are there', () => {
    for (const { from, paths } of copiesIn(instructions)) {
      if (from !== null) continue;
      for (const source of paths.slice(0, -1)) expect(() => statSync(path.join(projectRoot, source))).not.toThrow();
    }
  });
});

describe('the Compose file', () => {
  test('has no secret, not even as a default', () => {
    for (const [, name = '', rest = ''] of composeText.matchAll(/(?<!\$)\$\{([A-Z_]+)([^}]*)\}/g)) {
      expect({ name, rest }).toEqual({ name, rest: expect.stringMatching(/^:(\?.|\+smtp:\/\/\w+$)/) });
    }
    for (const [name, { environment }] of services) {
      for (const [variable, value] of Object.entries(environment)) {
        if (!/(PASSWORD|KEYS|URL)$/.test(variable) || value === null) continue; // without a value: taken from .env
        expect({ name, variable, value }).toEqual({ name, variable, value: expect.stringContaining('${') });
      }
    }
  });

  test.each(services)('%s has a health check, comes back, and holds no more rights than it needs', (name, one) => {
    const oneShot = name === 'migrate';
    expect(one.healthcheck.disable ?? false).toBe(oneShot);
    if (!oneShot) expect(one.healthcheck.test?.[0]).toMatch(/^CMD(-SHELL)?$/);
    expect(one.restart).toBe(oneShot ? 'no' : 'unless-stopped');
    expect(one.read_only).toBe(true);
    expect(one.cap_drop).toEqual(['ALL']);
    expect(seconds(one.stop_grace_period)).toBeGreaterThanOrEqual(25);
  });

  test('gives each process the time to drain', () => {
    for (const name of processes) {
      const timeoutMs = Number(service(name).environment['SHUTDOWN_TIMEOUT_MS']);
      // After the drain come one second for the log and two for closing the stores.
      expect(seconds(service(name).stop_grace_period) * 1_000).toBeGreaterThan(timeoutMs + 3_000);
    }
  });

  test('starts the processes after the stores and the migrations, and the proxy after the web processes', () => {
    for (const name of processes) {
      expect(service(name).depends_on).toEqual({
        postgres: { condition: 'service_healthy' },
        redis: { condition: 'service_healthy' },
        migrate: { condition: 'service_completed_successfully' },
      });
    }
    expect(Object.keys(service('proxy').depends_on ?? {})).toEqual(['web-a', 'web-b']);
  });

  test('shows the world the proxy and nothing else', () => {
    expect(services.filter(([, one]) => one.ports).map(([name]) => name)).toEqual(['proxy']);
    expect(compose.networks['front']?.internal).toBe(true);
    expect(compose.networks['back']?.internal).toBe(true);
    for (const name of ['postgres', 'redis', 'migrate']) expect(service(name).networks).toEqual(['back']);
    // Nothing reaches the worker; it alone reaches the mail server.
    expect(service('worker').networks).toEqual(['back', 'out']);
  });

  test('believes the proxy, and only what comes over its network, about where a request came from', () => {
    const subnet = compose.networks['front']?.ipam?.config[0]?.subnet;
    expect(subnet).toMatch(/^\d+\.\d+\.\d+\.0\/24$/);
    for (const name of ['web-a', 'web-b']) expect(service(name).environment['TRUSTED_PROXIES']).toBe(subnet);
    expect(service('proxy').networks).toContain('front');
  });

  test('gives each process a database role of its own', () => {
    const roleOf = (name: string) => /^postgres:\/\/(\w+):/.exec(service(name).environment['DATABASE_URL'] ?? '')?.[1];
    expect([roleOf('web-a'), roleOf('web-b'), roleOf('worker'), roleOf('migrate')]).toEqual([
      'web',
      'web',
      'worker',
      'holdfast',
    ]);
    expect(service('migrate').environment['WEB_DATABASE_URL']).toBe(service('web-a').environment['DATABASE_URL']);
    expect(service('migrate').environment['WORKER_DATABASE_URL']).toBe(service('worker').environment['DATABASE_URL']);
    expect(read('deploy/postgres-init.sql')).toMatch(/CREATE ROLE holdfast LOGIN CREATEROLE PASSWORD :'password'/);
  });

  test('gives each secret to those alone who use it', () => {
    const holders = (variable: string) =>
      services.filter(([, { environment }]) => environment && variable in environment).map(([name]) => name);
    for (const variable of ['SESSION_KEYS', 'SECRETS_KEYS']) expect(holders(variable)).toEqual(['web-a', 'web-b']);
    for (const variable of [
      'AUDIT_SIGNING_KEY',
      'AUDIT_RETENTION',
      'AUDIT_DRAINS_FILE',
      'GEOIP_FILES',
      'ALERT_WEBHOOK_URL',
    ])
      expect(holders(variable)).toEqual(['worker']);
    expect(service('worker').environment['SMTP_URL']).toBeNull();
    for (const name of ['web-a', 'web-b'])
      expect(service(name).environment['SMTP_URL']).toMatch(/^\$\{SMTP_URL:\+smtp:\/\/\w+\}$/); // without user and password
    expect(holders('SMTP_URL')).toEqual(['web-a', 'web-b', 'worker']);
  });

  test('keeps what the worker has signed in a volume that the image’s user may write', () => {
    const file = service('worker').environment['AUDIT_CHECKPOINT_FILE'] ?? '';
    const [volume, folder] = service('worker').volumes?.[0]?.split(':') ?? [];
    expect(path.dirname(file)).toBe(folder);
    expect(parse(composeText).volumes).toHaveProperty(volume ?? '');
    const made = lastStage.filter((one) => one.getKeyword() === 'RUN').map((one) => one.getArgumentsContent());
    expect(made).toContain(`install -d -o 1000 -g 1000 ${folder}`);
    expect(Object.keys(service('worker').environment)).toContain('AUDIT_PUBLIC_KEYS');
  });

  test('keeps what Redis holds, and never lets it drop a key', () => {
    const script = service('redis').command?.join(' ') ?? '';
    for (const line of ['appendonly yes', 'maxmemory-policy noeviction', 'requirepass $$REDIS_PASSWORD', 'dir /data']) {
      expect(script).toContain(line);
    }
    expect(service('redis').volumes).toContain('redis-data:/data');
  });

  test('runs programs that the build makes', () => {
    for (const name of ['worker', 'migrate']) {
      const file = service(name).command?.find((word) => word.startsWith('dist/')) ?? '';
      const source = file.replace(/^dist\//, '').replace(/\.js$/, '.ts');
      expect(() => statSync(path.join(projectRoot, source))).not.toThrow();
    }
  });

  test('gives the program only variables that it reads', () => {
    for (const name of [...processes, 'migrate']) {
      for (const variable of Object.keys(service(name).environment)) expect(allVariables).toContain(variable);
    }
  });

  test('has a proxy that checks readiness, tries the other process, and drops idle connections first', () => {
    const caddyfile = read('deploy/Caddyfile');
    expect(caddyfile).toMatch(/reverse_proxy web-a:3000 web-b:3000/);
    expect(caddyfile).toMatch(/health_uri \/readyz/);
    expect(caddyfile).toMatch(/lb_try_duration 10s/);
    expect(caddyfile).toMatch(/^\trespond \/readyz 404$/m);
    const keptMs = seconds(/keepalive (\d+s)/.exec(caddyfile)?.[1] ?? '') * 1_000;
    const closedMs = Number(/keepAliveTimeout: ([\d_]+)/.exec(read('src/web/serve.ts'))?.[1]?.replaceAll('_', ''));
    expect(keptMs).toBeLessThan(closedMs);
  });
});

describe('the Compose file for several machines', () => {
  const text = read('deploy/several-machines.yml');
  const several = parse(text, { merge: true, logLevel: 'error' }) as Compose;
  const changed = (name: string) => several.services[name] ?? fail(`it leaves ${name} as it is`);

  test('changes services that there are, and leaves out what is elsewhere', () => {
    expect(Object.keys(several.services).sort()).toEqual(Object.keys(compose.services).sort());
    for (const name of ['proxy', 'postgres', 'redis']) expect(changed(name)).toEqual({ profiles: ['elsewhere'] });
  });

  test.each([...processes, 'migrate'])('%s waits for nothing here, and reaches the stores', (name) => {
    expect(changed(name)).toMatchObject({ depends_on: {}, networks: ['out'] });
    expect(text.match(/depends_on: !override \{\}/g)).toHaveLength(3); // the web processes share theirs
    const { environment } = changed(name);
    expect(environment['DATABASE_URL']).toMatch(/^\$\{/);
    if (name !== 'migrate') expect(environment['REDIS_URL']).toMatch(/^\$\{REDIS_URL:\?/);
    for (const variable of Object.keys(environment)) expect(allVariables).toContain(variable);
  });

  test('has no secret, and says what .env needs', () => {
    for (const [, name = ''] of text.matchAll(/\$\{([A-Z_]+)/g)) {
      expect(text.slice(0, text.indexOf('x-elsewhere'))).toContain(name);
    }
    expect(text).not.toMatch(/\$\{[A-Z_]+:-/);
  });
});

describe('the examples in docs/operations.md', () => {
  const page = read('docs/operations.md');
  const exampleOf = (language: string) =>
    new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? fail(`no ${language}`);

  interface Pod {
    readonly automountServiceAccountToken: boolean;
    readonly securityContext: object;
    readonly containers: readonly { readonly securityContext: object }[];
  }

  const examplesOf = (language: string) =>
    [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text = '']) => text);
  const manifests = examplesOf('yaml')
    .filter((text) => text.includes('apiVersion: '))
    .map((text) => parseAllDocuments(text).map((one) => one.toJS()));

  test('for Kubernetes run without any privilege, as its restricted profile asks', () => {
    const documents = manifests.flat();
    const pods = documents.flatMap(({ spec }): Pod[] => (spec.template?.spec.containers ? [spec.template.spec] : []));
    expect(pods).toHaveLength(4);
    for (const { automountServiceAccountToken, securityContext, containers } of pods) {
      expect(automountServiceAccountToken).toBe(false);
      expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      for (const container of containers) {
        expect(container.securityContext).toEqual({
          ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
        });
      }
    }
  });

  test('for Kubernetes on several machines fit those for one', () => {
    const [one = [], several = []] = manifests;
    const find = (all: typeof one, kind: string, name: string) =>
      all.find((item) => item.kind === kind && item.metadata.name === name) ?? fail(`no ${kind} ${name}`);
    const web = find(one, 'Deployment', 'holdfast-web').spec;
    const { replicas, template } = find(several, 'Deployment', 'holdfast-web').spec;
    const budget = find(several, 'PodDisruptionBudget', 'holdfast-web').spec;
    expect(budget.selector).toEqual(web.selector);
    expect(budget.minAvailable).toBeLessThan(replicas);
    expect(template.spec.topologySpreadConstraints[0].labelSelector).toEqual(web.selector);
    const worker = find(one, 'Deployment', 'holdfast-worker').spec.template;
    const workers = find(several, 'StatefulSet', 'holdfast-worker').spec;
    const { topologySpreadConstraints, ...pod } = workers.template.spec;
    expect({ ...workers.template, spec: pod }).toEqual({ ...worker, spec: { ...worker.spec, volumes: undefined } });
    expect(topologySpreadConstraints[0].labelSelector).toEqual(workers.selector);
    const volumes = pod.containers[0].volumeMounts.map(({ name }: { name: string }) => name);
    expect(workers.volumeClaimTemplates.map((claim: typeof web) => claim.metadata.name)).toEqual(volumes);
  });

  test('for systemd keep no privilege, and leave V8 what it needs', () => {
    const lines = exampleOf('ini').split('\n');
    for (const directive of [
      ...['User=holdfast', 'NoNewPrivileges=yes', 'CapabilityBoundingSet=', 'ProtectSystem=strict', 'ProtectHome=yes'],
      ...['PrivateTmp=yes', 'PrivateDevices=yes', 'PrivateUsers=yes', 'RestrictNamespaces=yes', 'LockPersonality=yes'],
      ...['SystemCallFilter=@system-service', 'SystemCallArchitectures=native', 'RestrictSUIDSGID=yes', 'UMask=0077'],
    ]) {
      expect(lines).toContain(directive);
    }
    expect(lines.join()).not.toContain('MemoryDenyWriteExecute');
  });

  test('for nginx keep readiness inside, and queries out of the log', () => {
    const nginx = exampleOf('nginx');
    expect(nginx).toContain('location = /readyz { return 404; }');
    expect(/log_format .*;/.exec(nginx)?.[0]).not.toMatch(
      /\$(request |request"|request_uri|args|query_string|http_referer)/,
    );
    expect(nginx.match(/X-Forwarded-For \$remote_addr;/g)).toHaveLength(nginx.match(/proxy_pass/g)?.length ?? 0);
  });
});

describe('the settings', () => {
  test('are found in the code', () => {
    expect(configVariables).toContain('SESSION_KEYS');
    expect(allVariables).toContain('WEB_PROCESSES');
    expect(allVariables.size).toBeGreaterThan(25);
  });

  test('all stand in .env.example, and nothing else does', () => {
    expect([...example.keys()].sort()).toEqual([...new Set([...allVariables, ...composeVariables])].sort());
  });

  test('that Compose leaves to .env are among them', () => {
    for (const [name, one] of services) {
      const left = Object.entries(one.environment).filter(([, value]) => value === null);
      for (const [variable] of left) expect({ name, known: example.has(variable) }).toEqual({ name, known: true });
    }
  });

  test('of .env reach the program in Compose, but for those that it says do not', () => {
    const [above = ''] = read('.env.example').split('# --- docker-compose.yml sets these itself');
    const passed = new Set(services.flatMap(([, { environment }]) => Object.keys(environment ?? {})));
    const named = [...above.matchAll(/^(?:# )?([A-Z][A-Z_]+)=/gm)].map(([, name = '']) => name);
    expect(named).toContain('AUDIT_DRAINS_FILE');
    expect(named.filter((name) => allVariables.has(name) && !passed.has(name))).toEqual([]);
  });

  test('all stand in docs/settings.md, and nothing else does', () => {
    expect([...documented.keys()].sort()).toEqual([...allVariables].sort());
  });

  test('have the defaults that .env.example says', () => {
    const needed = { NODE_ENV: 'test', DATABASE_URL: 'postgres://a:b@c/d', REDIS_URL: 'redis://e' };
    for (const [name, value] of example) {
      if (!configVariables.has(name) || value === '') continue;
      expect({ name, config: readConfig({ ...needed, [name]: value }) }).toEqual({ name, config: readConfig(needed) });
    }
  });

  test('have the same defaults in docs/settings.md and .env.example', () => {
    for (const [name, cell] of documented) {
      const value = example.get(name);
      if (value) expect({ name, cell }).toEqual({ name, cell: `\`${value}\`` });
    }
  });

  test('that are secret can come from files', () => {
    const secret = [...allVariables].filter((name) =>
      /(PASSWORD|KEYS|SECRET|SIGNING_KEY|DATABASE_URL|REDIS_URL|REDIS_SESSION_URLS|SMTP_URL|WEBHOOK_URL)$/.test(name),
    );
    expect(secret.filter((name) => name !== 'AUDIT_PUBLIC_KEYS').sort()).toEqual([...SECRET_SETTINGS].sort());
  });

  test('that are secret have no default anywhere', () => {
    for (const [name, value] of example)
      if (/PASSWORD$|KEYS$|SECRET$|DATABASE_URL$/.test(name)) expect({ name, value }).toEqual({ name, value: '' });
    expect(() =>
      readConfig({ NODE_ENV: 'production', DATABASE_URL: 'postgres://a:b@c/d', REDIS_URL: 'redis://e' }),
    ).toThrow(/SESSION_KEYS/);
  });
});
