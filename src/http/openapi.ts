import { type ConversionConfig, toJsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { problemSchema } from '../../schema/api/problem.ts';
import type { Authority } from '../auth/authorise.ts';
import type { Route } from './route.ts';

type Json = { readonly [member: string]: unknown };

/** What a route's authority means to a caller, also for the reference page. */
export const authorityText: Record<Authority, string> = {
  anyone: 'Anyone.',
  reader: 'A token with the scope `status`, the operator, or another key of the trust document.',
  orderer: 'A token whose scope names this very action and target (or runbook), or the operator.',
  planner: 'The same, or a key that the trust document grants this action on this target.',
  signer: 'The operator’s key, or one that the trust document grants the same: for what it signed itself.',
  follower:
    'A token with the scope `status` or with the scope of the command’s order, the operator, or another key.',
  operator: 'The operator’s key: the CLI on the owner’s computer.',
  releaser:
    'The operator’s key; one that the trust document lets release; or a workflow of GitHub Actions that the trust document names.',
  'release reader': 'A token with the scope `status`; the operator; another key; such a workflow.',
  relay: 'A relay that the trust document admits.',
  'pending relay':
    'A relay, also one that waits for approval; a token with the scope `status`; the operator; another key; such a workflow.',
  setup: 'Whoever holds the setup code that `writ serve` printed.',
  enrolment: 'Whoever holds a single-use enrolment code.',
  roots: 'Whoever brings versions signed by the home’s roots, with the operator key that the newest names.',
};

const security: Record<Authority, readonly Json[]> = {
  anyone: [],
  reader: [{ token: [] }, { proof: [] }],
  orderer: [{ token: [] }, { proof: [] }],
  planner: [{ token: [] }, { proof: [] }],
  signer: [{ proof: [] }],
  follower: [{ token: [] }, { proof: [] }],
  operator: [{ proof: [] }],
  releaser: [{ token: [] }, { proof: [] }],
  'release reader': [{ token: [] }, { proof: [] }],
  relay: [{ proof: [] }],
  'pending relay': [{ token: [] }, { proof: [] }],
  setup: [{ proof: [] }],
  enrolment: [{ proof: [] }],
  roots: [{ proof: [] }],
};

function schemaOf(schema: v.GenericSchema, typeMode: 'input' | 'output'): Json {
  // What JSON Schema cannot say (a time that exists, a step that comes before) is checked all the same.
  const config: ConversionConfig = { target: 'draft-2020-12', typeMode, errorMode: 'ignore' };
  const { $schema: _, ...rest } = toJsonSchema(schema, config);
  return rest;
}

type ObjectSchema = {
  readonly properties?: Readonly<Record<string, Json>>;
  readonly required?: readonly string[];
};

function parametersOf(schema: v.GenericSchema | undefined, place: 'path' | 'query'): readonly Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as ObjectSchema;
  return Object.entries(properties).map(([name, shape]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: shape,
  }));
}

const idempotencyHeader: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same key with the same request gives the same answer, and does nothing twice.',
  schema: { type: 'string', pattern: '^[!-~]{8,128}$' },
};

function operationOf(route: Route): Json {
  const problems = { $ref: '#/components/responses/Problem' };
  const responses = Object.entries(route.answers).map(([status, card]) => {
    const content: Record<string, Json> = {};
    if (card.schema !== undefined) {
      content['application/json'] = { schema: schemaOf(card.schema, 'input') };
      if (route.speaks === true) content['text/plain'] = { schema: { type: 'string' } };
    }
    for (const type of card.types ?? []) content[type] = { schema: { type: 'string' } };
    return [status, { description: card.description, content }];
  });
  return {
    operationId: `${route.method.toLowerCase()}${route.path.replace(/\{([a-z0-9]+)\}/g, '$1').replace(/[^A-Za-z0-9]+(.)/g, (_, next: string) => next.toUpperCase())}`,
    tags: [route.tag],
    summary: route.summary,
    description: [route.description, `Who may: ${authorityText[route.authority]}`]
      .filter(Boolean)
      .join('\n\n'),
    security: security[route.authority],
    parameters: [
      ...parametersOf(route.params, 'path'),
      ...parametersOf(route.query, 'query'),
      ...(route.idempotent === true ? [idempotencyHeader] : []),
    ],
    ...(route.body !== undefined && {
      requestBody: {
        required: route.bodyOptional !== true,
        content:
          route.takes === 'bytes'
            ? { 'application/octet-stream': {} }
            : { 'application/json': { schema: schemaOf(route.body, 'input') } },
      },
    }),
    responses: { ...Object.fromEntries(responses), default: problems },
  };
}

/** The OpenAPI 3.1 document of a table of routes, made of the very schemas that validate. */
export function openApiOf(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Writ',
      version,
      description:
        'The control plane of one home. Orders are answered with 202 and a command, or with the outcome if it comes within `?wait=` seconds. `Accept: text/plain` gives one sentence. Errors are application/problem+json with a stable `code`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'A token that `writ tokens create` made; in this header only, never in a URL.',
        },
        proof: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description:
            '`Writ-Proof <JWS>` over method, address, body digest, time and a nonce, by the operator’s or a relay’s key.',
        },
      },
      responses: {
        Problem: {
          description: 'Refused; `code` says why, docs/errors.md what to do.',
          content: { 'application/problem+json': { schema: schemaOf(problemSchema, 'input') } },
        },
      },
    },
  };
}
