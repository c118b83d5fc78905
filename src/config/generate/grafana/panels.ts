type Native = Readonly<Record<string, unknown>>;

/** A panel before it has a place: what tells it from all others, how wide and high it is, and the rest. */
export type Panel = {
  readonly key: string;
  readonly width: number;
  readonly height: number;
  readonly native: Native;
};

/** Panels under one title. */
export type Row = { readonly key: string; readonly title: string; readonly panels: readonly Panel[] };

/** A query, and what of its labels stands in the legend. */
export type Query = { readonly expr: string; readonly legend?: string; readonly unit?: string };

const columns = 24;

/** Rows one below the other, panels side by side as far as they fit. Rows without panels are left out. */
export function placed(rows: readonly Row[]): Native[] {
  const ids = new Set<number>();
  const found: Native[] = [];
  let y = 0;
  for (const { key, title, panels } of rows) {
    if (panels.length === 0) continue;
    const gridPos = { h: 1, w: columns, x: 0, y };
    found.push({ id: idOf(key, ids), type: 'row', title, collapsed: false, gridPos, panels: [] });
    y += 1;
    let x = 0;
    let highest = 0;
    for (const panel of panels) {
      if (x + panel.width > columns) {
        y += highest;
        x = 0;
        highest = 0;
      }
      const place = { h: panel.height, w: panel.width, x, y };
      found.push({ id: idOf(`${key}/${panel.key}`, ids), ...panel.native, gridPos: place });
      x += panel.width;
      highest = Math.max(highest, panel.height);
    }
    y += highest;
  }
  return found;
}

/** A number that stays when other panels come and go, since links and comments name it (FNV-1a, 31 bits). */
function idOf(key: string, taken: Set<number>): number {
  let hash = 0x811c9dc5;
  for (const letter of key) hash = Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193);
  let id = hash >>> 1 || 1;
  while (taken.has(id)) id += 1;
  taken.add(id);
  return id;
}

/** What makes panels that ask one datasource in PromQL. */
export function panelsBy(datasource: Native) {
  const targetsOf = (queries: readonly Query[], more: Native = {}): Native[] =>
    queries.map(({ expr, legend = '__auto' }, index) => ({
      refId: `Q${index + 1}`,
      datasource,
      expr,
      legendFormat: legend,
      ...more,
    }));

  /** How something is now, a tile for each series. */
  const tiles = (
    key: string,
    title: string,
    query: Query | readonly Query[],
    { width = 6, height = 4, unit = 'none', ...more }: Tiles = {},
  ): Panel => ({
    key,
    width,
    height,
    native: {
      type: 'stat',
      title,
      datasource,
      targets: targetsOf('expr' in query ? [query] : query, { instant: true, range: false }),
      fieldConfig: {
        defaults: {
          unit,
          mappings: more.words === undefined ? [] : [{ type: 'value', options: wordsOf(more.words) }],
          thresholds: { mode: 'absolute', steps: more.steps ?? [{ color: 'text', value: null }] },
          color: { mode: 'thresholds' },
        },
        overrides: [],
      },
      options: {
        colorMode: 'background',
        graphMode: 'none',
        textMode: more.names === true ? 'name' : 'auto',
        reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
      },
    },
  });

  /** How something went. */
  const plot = (
    key: string,
    title: string,
    queries: readonly Query[],
    { width = 8, height = 7, unit = 'none', ...more }: Plot = {},
  ): Panel => ({
    key,
    width,
    height,
    native: {
      type: 'timeseries',
      title,
      datasource,
      targets: targetsOf(queries),
      fieldConfig: {
        defaults: {
          unit,
          min: 0,
          ...(more.max !== undefined && { max: more.max }),
          custom: { fillOpacity: 10 },
        },
        overrides: [],
      },
      options: {
        legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
        tooltip: { mode: 'multi', sort: 'desc' },
      },
    },
  });

  /** One line a series, its labels in columns; `hidden` columns are left out. */
  const table = (
    key: string,
    title: string,
    query: Query,
    { width = 12, height = 8, unit = 'none', value = 'Value', hidden = [] }: Table = {},
  ): Panel => ({
    key,
    width,
    height,
    native: {
      type: 'table',
      title,
      datasource,
      targets: targetsOf([query], { instant: true, range: false, format: 'table' }),
      fieldConfig: {
        defaults: {},
        overrides: [
          { matcher: { id: 'byName', options: 'Value' }, properties: [{ id: 'unit', value: unit }] },
        ],
      },
      transformations: [
        {
          id: 'organize',
          options: {
            excludeByName: Object.fromEntries(['Time', '__name__', ...hidden].map((name) => [name, true])),
            renameByName: { Value: value },
          },
        },
      ],
      options: { showHeader: true },
    },
  });
  return { tiles, plot, table };
}

type Tiles = {
  readonly width?: number;
  readonly height?: number;
  readonly unit?: string;
  /** Words for values, with their colours. */
  readonly words?: Readonly<Record<string, readonly [text: string, color: string]>>;
  readonly steps?: readonly { readonly color: string; readonly value: number | null }[];
  /** Whether a tile shows what its series is called, and no number. */
  readonly names?: boolean;
};
type Plot = {
  readonly width?: number;
  readonly height?: number;
  readonly unit?: string;
  readonly max?: number;
};
type Table = {
  readonly width?: number;
  readonly height?: number;
  readonly unit?: string;
  readonly value?: string;
  readonly hidden?: readonly string[];
};

const wordsOf = (words: Readonly<Record<string, readonly [string, string]>>): Native =>
  Object.fromEntries(
    Object.entries(words).map(([value, [text, color]], index) => [value, { text, color, index }]),
  );
