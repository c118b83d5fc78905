/** libSQL's client speaks HTTP here; wrangler.toml puts this into the place of its WebSockets, which nothing opens. */
export const WebSocket = undefined;
