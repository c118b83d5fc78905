import { stringify } from 'yaml';

export type NewApp = {
  readonly name: string;
  /** The machine that it is on. */
  readonly on: string;
  readonly image: string;
  /** Where it listens; absent: it has no route. */
  readonly port?: number;
  readonly host?: string;
  readonly public?: boolean;
};

/** The files of a new app's folder, by name: an app.yaml that says what was given, and a Quadlet to go on from. */
export function newAppFiles({
  name,
  on,
  image,
  port,
  host = name,
  public: open = false,
}: NewApp): Map<string, string> {
  const app = {
    on,
    units: [`${name}.container`],
    ...(port !== undefined && {
      route: { host, port, ...(open && { public: true }) },
      health: { path: '/' },
    }),
  };
  const unit = [
    '[Unit]',
    `Description=${name}`,
    '',
    '[Container]',
    `Image=${image}`,
    `ContainerName=${name}`,
    '',
    '[Service]',
    'Restart=always',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ];
  return new Map([
    ['app.yaml', stringify(app)],
    [`${name}.container`, unit.join('\n')],
  ]);
}
