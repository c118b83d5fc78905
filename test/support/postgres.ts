import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeLeaf, makeRoot } from './test-authority.ts';

/** Postgres as this machine has it; null where it has none. */
export function findPostgres(): { readonly version: string; readonly folder: string } | null {
  const debian = '/usr/lib/postgresql';
  const folders = [
    ...(existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, 'bin')) : []),
    '/usr/local/bin',
    '/usr/bin',
  ];
  const programs = ['initdb', 'pg_ctl', 'postgres', 'psql', 'pg_dumpall'];
  const folder = folders.find((one) => programs.every((name) => existsSync(join(one, name))));
  if (folder === undefined) return null;
  return {
    version: execFileSync(join(folder, 'postgres'), ['--version'], { encoding: 'utf8' }).trim(),
    folder,
  };
}

type Answer = { readonly status: number | null; readonly out: string; readonly err: string };
type Login = {
  readonly from: string;
  readonly user: string;
  readonly database: string;
  readonly password: string;
  readonly tls?: boolean;
};

/** A server that listens on an address of loopback and in a folder of its own. */
export type TestPostgres = {
  readonly folder: string;
  /** Gives a folder to whom programs run as. */
  share(folder: string): void;
  /** Runs a program of Postgres, as the superuser unless the environment says otherwise. */
  run(program: string, words: readonly string[], env?: Readonly<Record<string, string>>): Answer;
  /** One statement as the superuser; throws where it fails. */
  ask(sql: string, database?: string): string;
  /** Takes away what is not Postgres' own: databases and roles. */
  empty(): void;
  /** Starts again with this pg_hba.conf; the superuser gets in by the socket in any case. */
  takeHba(text: string): void;
  /** As whom one is in who comes from an address of loopback, or the server's word why not. */
  enter(login: Login): Promise<string>;
  /** What the server wrote to its log. */
  log(): string;
  stop(): void;
};

const address = `127.91.${(process.pid >> 8) & 255}.${process.pid & 255}`;
const port = 5432;

export async function startPostgres(): Promise<TestPostgres> {
  const found = findPostgres();
  if (found === null) throw new Error('there is no Postgres');
  const folder = mkdtempSync(join(tmpdir(), 'writ-pg-'));
  const [data, log] = [join(folder, 'data'), join(folder, 'log')];
  // It refuses to run as root.
  const nobody = { uid: 65_534, gid: 65_534 };
  const isRoot = process.getuid?.() === 0;
  const give = (path: string): void => {
    if (isRoot) chownSync(path, nobody.uid, nobody.gid);
  };
  const run: TestPostgres['run'] = (program, words, env = {}) => {
    const done = spawnSync(join(found.folder, program), words, {
      ...(isRoot && nobody),
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, ...base, ...env },
      // A server that is left running must hold no pipe of ours.
      stdio: program === 'pg_ctl' ? 'ignore' : 'pipe',
    });
    return { status: done.status, out: done.stdout ?? '', err: done.stderr ?? '' };
  };
  const base = { PGHOST: folder, PGPORT: String(port), PGUSER: 'postgres', PGDATABASE: 'postgres' };
  const must = (program: string, words: readonly string[]): void => {
    const { status, out, err } = run(program, words);
    if (status !== 0)
      throw new Error(`${program}: ${out}${err}${existsSync(log) ? readFileSync(log, 'utf8') : ''}`);
  };

  const leaf = await makeLeaf(await makeRoot(), ['localhost']);
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  writeFileSync(cert, leaf.pem);
  writeFileSync(key, leaf.key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  for (const path of [folder, cert, key]) give(path);
  must('initdb', [
    '--pgdata',
    data,
    '--username=postgres',
    '--auth=trust',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
  ]);
  const settings = {
    listen_addresses: address,
    port,
    unix_socket_directories: folder,
    fsync: 'off',
    ssl: 'on',
    ssl_cert_file: cert,
    ssl_key_file: key,
    log_statement: 'all',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
  appendFileSync(join(data, 'postgresql.conf'), lines.join(''));
  const control = (...words: string[]): void => must('pg_ctl', ['--pgdata', data, '-w', '-l', log, ...words]);
  const isUp = (): boolean => existsSync(join(data, 'postmaster.pid'));
  const start = (hba: string): void => {
    writeFileSync(join(data, 'pg_hba.conf'), `local all all trust\n${hba}`);
    control(isUp() ? 'restart' : 'start');
  };
  start('');
  const ask: TestPostgres['ask'] = (sql, database = 'postgres') => {
    const { status, out, err } = run('psql', ['-XAtc', sql], { PGDATABASE: database });
    if (status !== 0) throw new Error(err);
    return out.trim();
  };

  return {
    folder,
    share(path) {
      give(path);
      for (const name of readdirSync(path)) give(join(path, name));
    },
    run,
    ask,
    empty() {
      const own = "WHERE datname <> 'postgres' AND NOT datistemplate";
      for (const name of ask(`SELECT format('%I', datname) FROM pg_database ${own}`).split('\n'))
        if (name !== '') ask(`DROP DATABASE ${name}`);
      const roles = "WHERE rolname <> 'postgres' AND rolname !~ '^pg_'";
      for (const name of ask(`SELECT format('%I', rolname) FROM pg_roles ${roles}`).split('\n'))
        if (name !== '') ask(`DROP ROLE ${name}`);
    },
    takeHba: start,
    enter: (login) => enter(join(found.folder, 'psql'), login),
    stop() {
      if (isUp()) control('stop', '--mode=immediate');
      rmSync(folder, { recursive: true, force: true });
    },
    log: () => readFileSync(log, 'utf8'),
  };
}

/** By a way through that comes from the address: libpq cannot say where it comes from. */
async function enter(psql: string, { from, user, database, password, tls = true }: Login): Promise<string> {
  const way = createServer((socket) => {
    const onward = connect({ host: address, port, localAddress: from });
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      one.on('error', () => other.destroy());
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => way.listen(0, '127.0.0.1', resolve));
  const env = {
    PGHOST: '127.0.0.1',
    PGPORT: String((way.address() as { port: number }).port),
    PGUSER: user,
    PGDATABASE: database,
    PGPASSWORD: password,
    PGSSLMODE: tls ? 'require' : 'disable',
    PGCONNECT_TIMEOUT: '20',
  };
  const child = spawn(psql, ['-XAtc', 'SELECT current_user'], {
    env,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  await new Promise((resolve) => child.on('close', resolve));
  way.close();
  return said.trim();
}
