import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** A file with a fault in it, as it is loaded. */
export type Fault = { readonly path: string; readonly code: string };

/** A file of the project as it is loaded: JavaScript, the types being blanks. */
export const codeOf = (root: string, path: string): string =>
  stripTypeScriptTypes(readFileSync(join(root, path), 'utf8'));

/** Loads the project's modules afresh, as often as wanted, in one process. */
export type Graphs = {
  /** Begins a graph of modules, in one of which there may be a fault. */
  begin(fault: Fault | null): void;
  /** Loads a file, and all that it imports, in the graph that was begun last. */
  load(path: string): Promise<unknown>;
  /** The address of a file in the graph that was begun last. */
  urlOf(path: string): string;
};

/** @param testUrl what tests get in the place of node:test */
export function createGraphs(root: string, testUrl: string): Graphs {
  const rootUrl = `${pathToFileURL(root).href}/`;
  const codes = new Map<string, string>();
  let number = 0;
  let fault: Fault | null = null;

  const isOurs = (url: string): boolean => url.startsWith(rootUrl) && !url.includes('/node_modules/');
  const read = (path: string): string => {
    const known = codes.get(path) ?? codeOf(root, path);
    codes.set(path, known);
    return known;
  };

  registerHooks({
    resolve(specifier, context, nextResolve) {
      const graph = /\?graph=\d+$/.exec(context.parentURL ?? '')?.[0];
      if (graph === undefined) return nextResolve(specifier, context);
      if (specifier === 'node:test') return { url: testUrl, format: 'module', shortCircuit: true };
      const found = nextResolve(specifier, context);
      return isOurs(found.url) && found.url !== testUrl ? { ...found, url: found.url + graph } : found;
    },
    load(url, context, nextLoad) {
      if (!isOurs(url) || !/\?graph=\d+$/.test(url)) return nextLoad(url, context);
      const path = fileURLToPath(url.slice(0, url.lastIndexOf('?'))).slice(root.length + 1);
      const source = fault?.path === path ? fault.code : read(path);
      return { format: 'module', shortCircuit: true, source };
    },
  });

  return {
    begin(next) {
      number += 1;
      fault = next;
    },
    load: (path) => import(`${rootUrl}${path}?graph=${number}`),
    urlOf: (path) => `${rootUrl}${path}?graph=${number}`,
  };
}
