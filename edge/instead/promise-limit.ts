type Work = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * What libSQL's client limits its requests with; wrangler.toml puts this into the place of the package promise-limit.
 * It limits nothing: src/store/slots.ts has done so before.
 */
// biome-ignore lint/style/noDefaultExport: the package that it stands for has one
export default (): Work => (work) => work();
