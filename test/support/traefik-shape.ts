/**
 * What Traefik v3 takes in its static configuration and from the file provider, by key. Written from its reference of
 * 3.7; keys that no generator of ours writes are there for what owners merge in. Traefik refuses a file with any other.
 */
export type Shape =
  | { readonly kind: 'any' }
  | { readonly kind: 'text' | 'number' | 'truth' | 'duration' }
  | { readonly kind: 'list'; readonly of: Shape }
  | { readonly kind: 'map'; readonly of: Shape }
  /** `empty` says that it may stand there with nothing in it. */
  | { readonly kind: 'keys'; readonly keys: Readonly<Record<string, Shape>>; readonly empty: boolean };

const any: Shape = { kind: 'any' };
const text: Shape = { kind: 'text' };
const number: Shape = { kind: 'number' };
const truth: Shape = { kind: 'truth' };
const duration: Shape = { kind: 'duration' };
const list = (of: Shape): Shape => ({ kind: 'list', of });
const map = (of: Shape): Shape => ({ kind: 'map', of });
const keys = (all: Readonly<Record<string, Shape>>, empty = false): Shape => ({
  kind: 'keys',
  keys: all,
  empty,
});
const each = (names: string, shape: Shape): Record<string, Shape> =>
  Object.fromEntries(names.split(' ').map((name) => [name, shape]));
const texts = list(text);

const domains = list(keys({ main: text, sans: texts }));
const certificates = list(keys({ certFile: text, keyFile: text }));
const observability = keys({ ...each('accessLogs metrics tracing', truth), traceVerbosity: text });
const weighted = list(keys({ name: text, weight: number }));
const empty = keys({}, true);
const clientTls = keys({ ca: text, cert: text, key: text, insecureSkipVerify: truth });
const spiffe = keys({ ids: texts, trustDomain: text });

/** Middlewares of HTTP by kind; those that Writ writes itself in full. */
const middlewares: Readonly<Record<string, Shape>> = {
  ...each(
    'addPrefix basicAuth buffering chain circuitBreaker compress contentType digestAuth encodedCharacters errors grpcWeb inFlightReq passTLSClientCert plugin rateLimit redirectRegex redirectScheme replacePath replacePathRegex retry stripPrefix stripPrefixRegex',
    any,
  ),
  forwardAuth: keys({
    ...each('address authResponseHeadersRegex headerField authSigninURL', text),
    ...each('trustForwardHeader forwardBody preserveLocationHeader preserveRequestMethod', truth),
    ...each('authResponseHeaders authRequestHeaders addAuthCookiesToResponse', texts),
    ...each('maxBodySize maxResponseBodySize', number),
    tls: clientTls,
  }),
  ipAllowList: keys({
    sourceRange: texts,
    ipStrategy: keys({ depth: number, excludedIPs: texts, ipv6Subnet: number }, true),
    rejectStatusCode: number,
  }),
  headers: keys({
    ...each('customRequestHeaders customResponseHeaders sslProxyHeaders', map(text)),
    ...each(
      'accessControlAllowHeaders accessControlAllowMethods accessControlAllowOriginList accessControlAllowOriginListRegex accessControlExposeHeaders allowedHosts hostsProxyHeaders',
      texts,
    ),
    ...each('accessControlMaxAge stsSeconds', number),
    ...each(
      'accessControlAllowCredentials addVaryHeader stsIncludeSubdomains stsPreload forceSTSHeader frameDeny contentTypeNosniff browserXssFilter isDevelopment',
      truth,
    ),
    ...each(
      'customFrameOptionsValue customBrowserXSSValue contentSecurityPolicy contentSecurityPolicyReportOnly publicKey referrerPolicy permissionsPolicy',
      text,
    ),
  }),
};

const loadBalancer = keys({
  servers: list(keys({ url: text, weight: number, preservePath: truth })),
  healthCheck: keys({
    ...each('scheme mode path method hostname', text),
    ...each('status port', number),
    ...each('interval unhealthyInterval timeout', duration),
    followRedirects: truth,
    headers: map(text),
  }),
  passiveHealthCheck: keys({ failureWindow: duration, maxFailedAttempts: number }),
  passHostHeader: truth,
  sticky: any,
  ...each('serversTransport strategy', text),
  responseForwarding: keys({ flushInterval: duration }),
});

const tcpLoadBalancer = keys({
  servers: list(keys({ address: text, tls: truth })),
  serversTransport: text,
  proxyProtocol: keys({ version: number }),
  terminationDelay: number,
});

const router = {
  ...each('entryPoints middlewares', texts),
  ...each('service rule ruleSyntax', text),
  priority: number,
};
const tls = { ...each('options certResolver', text), domains };

/** What the file provider takes. */
export const dynamicShape = keys({
  http: keys({
    routers: map(keys({ ...router, tls: keys(tls, true), observability, parentRefs: texts })),
    services: map(
      keys({
        loadBalancer,
        weighted: keys({ services: weighted, sticky: any, healthCheck: empty }),
        mirroring: any,
        failover: keys({
          ...each('service fallback', text),
          healthCheck: empty,
          errors: keys({ status: texts, maxRequestBodyBytes: number }),
        }),
        highestRandomWeight: any,
      }),
    ),
    middlewares: map(keys(middlewares)),
    serversTransports: map(
      keys({
        ...each('serverName minVersion maxVersion peerCertURI', text),
        ...each('insecureSkipVerify disableHTTP2', truth),
        ...each('rootCAs cipherSuites', texts),
        certificates,
        maxIdleConnsPerHost: number,
        forwardingTimeouts: any,
        spiffe,
      }),
    ),
  }),
  tcp: keys({
    routers: map(keys({ ...router, tls: keys({ ...tls, passthrough: truth }, true) })),
    services: map(
      keys({ loadBalancer: tcpLoadBalancer, weighted: keys({ services: weighted, healthCheck: empty }) }),
    ),
    middlewares: map(
      keys({ ipAllowList: keys({ sourceRange: texts }), inFlightConn: keys({ amount: number }) }),
    ),
    serversTransports: map(
      keys({
        ...each('dialKeepAlive dialTimeout terminationDelay', duration),
        proxyProtocol: keys({ version: number }),
        tls: keys(
          {
            ...each('serverName peerCertURI', text),
            insecureSkipVerify: truth,
            rootCAs: texts,
            certificates,
            spiffe,
          },
          true,
        ),
      }),
    ),
  }),
  udp: any,
  tls: keys({
    certificates: list(keys({ certFile: text, keyFile: text, stores: texts })),
    options: map(
      keys({
        ...each('minVersion maxVersion', text),
        ...each('cipherSuites curvePreferences alpnProtocols', texts),
        clientAuth: keys({ caFiles: texts, clientAuthType: text }),
        ...each('sniStrict disableSessionTickets preferServerCipherSuites', truth),
      }),
    ),
    stores: map(
      keys({
        defaultCertificate: keys({ certFile: text, keyFile: text }),
        defaultGeneratedCert: keys({ resolver: text, domain: keys({ main: text, sans: texts }) }),
      }),
    ),
  }),
});

/** traefik.yml. */
export const staticShape = keys({
  global: keys({ checkNewVersion: truth, sendAnonymousUsage: truth }),
  entryPoints: map(
    keys({
      address: text,
      ...each('allowACMEByPass reusePort asDefault', truth),
      transport: any,
      proxyProtocol: keys({ insecure: truth, trustedIPs: texts }),
      forwardedHeaders: keys({ insecure: truth, trustedIPs: texts, connection: texts }),
      http: keys({
        redirections: keys({
          entryPoint: keys({ to: text, scheme: text, permanent: truth, priority: number }),
        }),
        middlewares: texts,
        tls: keys(tls, true),
        encodedCharacters: any,
        ...each('encodeQuerySemicolons sanitizePath', truth),
        maxHeaderBytes: number,
        underscoreHeadersStrategy: text,
      }),
      http2: any,
      http3: any,
      udp: any,
      observability,
    }),
  ),
  providers: keys({
    providersThrottleDuration: duration,
    file: keys({ directory: text, filename: text, watch: truth, debugLogGeneratedTemplate: truth }),
  }),
  certificatesResolvers: map(keys({ acme: any, tailscale: empty })),
  log: keys({
    ...each('level format filePath', text),
    ...each('noColor compress', truth),
    ...each('maxSize maxAge maxBackups', number),
  }),
  ...each(
    'serversTransport tcpServersTransport api metrics ping accessLog tracing hostResolver experimental core spiffe ocsp',
    any,
  ),
});

/** What is wrong with a tree, each as `path: what`; empty when Traefik would read it. */
export function faultsOf(value: unknown, shape: Shape, path = 'it'): string[] {
  switch (shape.kind) {
    case 'any':
      return [];
    case 'text':
      return typeof value === 'string' ? [] : [`${path}: is no text`];
    case 'number':
      return Number.isSafeInteger(value) ? [] : [`${path}: is no whole number`];
    case 'truth':
      return typeof value === 'boolean' ? [] : [`${path}: is neither true nor false`];
    case 'duration':
      return typeof value === 'string' && /^([0-9]+(ns|us|ms|s|m|h))+$/.test(value)
        ? []
        : [`${path}: is no duration`];
    case 'list':
      if (!Array.isArray(value)) return [`${path}: is no list`];
      return value.flatMap((one, index) => faultsOf(one, shape.of, `${path}.${index}`));
    case 'map':
    case 'keys': {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        return [`${path}: is no mapping`];
      const entries = Object.entries(value);
      if (entries.length === 0)
        return shape.kind === 'keys' && shape.empty ? [] : [`${path}: is there and empty`];
      return entries.flatMap(([key, one]) => {
        if (shape.kind === 'map') return faultsOf(one, shape.of, `${path}.${key}`);
        return Object.hasOwn(shape.keys, key)
          ? faultsOf(one, shape.keys[key]!, `${path}.${key}`)
          : [`${path}.${key}: there is no such key`];
      });
    }
  }
}
