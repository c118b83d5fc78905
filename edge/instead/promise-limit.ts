/**
 * What libSQL's client limits its requests with: so many at once, the others in their order. wrangler.toml puts this into
 * the place of the package promise-limit, which does more and brings a shim for CommonJS.
 */
// biome-ignore lint/style/noDefaultExport: the package that it stands for has one
export default (most: number) => {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running < most) running += 1;
    // Whoever ends gives its place on.
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
};
