import { z } from 'zod';
import { guidSchema } from '../identifiers.js';
import { filePathSchema, servicePathSchema } from './service-address.js';

/** How a host's configuration calls one target of an action. */
export const targetNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,31}$/, 'expected 1 to 32 of a-z 0-9 _ -, a letter first');

/** A word that a target answers about itself. */
const stateSchema = z.string().regex(/^[\x21-\x7e]{1,64}$/, 'expected 1 to 64 visible characters of ASCII');
const memberSchema = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'expected the name of a member');
const secondsSchema = z.number().int().min(1).max(30).default(10);

/** What an answer says when a target is contained, and when it is not; any other answer is no answer. */
const wordsSchema = {
  contained: stateSchema,
  released: stateSchema,
};

const callSchema = z.strictObject({
  method: z.enum(['POST', 'PUT', 'PATCH', 'DELETE']).default('POST'),
  path: servicePathSchema,
  /** Sent as JSON. Left out, the service is told who acts: `{"by": "reseal", "incident_id": …}`. */
  body: z.record(z.string().max(64), z.union([z.string().max(256), z.number(), z.boolean()])).optional(),
});

/** A call of one of the host's own services, with the bearer token of that service. */
const httpTarget = z.strictObject({
  kind: z.literal('http'),
  service: z.enum(['agent', 'airlock', 'vault', 'models']),
  contain: callSchema,
  release: callSchema,
  state: z.strictObject({
    path: servicePathSchema,
    /** The member of the answer that is one of the two words. */
    member: memberSchema.default('state'),
    ...wordsSchema,
    /**
     * A member that changes with every change of the state: then a change by somebody else shows even where the word is
     * the same again. Without one, only the word is compared.
     */
    revision: memberSchema.optional(),
  }),
  timeout_seconds: secondsSchema,
});

/** The program's absolute path and its arguments, as they are: no shell, nothing of an incident in them. */
const argvSchema = z
  .tuple([filePathSchema], z.string().max(1024))
  .refine((argv) => argv.length <= 64, 'expected at most 64 words');

/** Programs beside the role: for services that systemd keeps, say. What they print is one of the two words, or nothing counts. */
const commandTarget = z.strictObject({
  kind: z.literal('command'),
  contain: argvSchema,
  release: argvSchema,
  state: z.strictObject({
    command: argvSchema,
    ...wordsSchema,
    /** Some programs answer a state with a status of their own (`systemctl is-active`: 3). Statuses whose answer counts. */
    exit_statuses: z.array(z.number().int().min(0).max(255)).min(1).max(16).default([0]),
  }),
  timeout_seconds: secondsSchema,
});

const signalSchema = z.strictObject({
  signal: z.string().min(1).max(200),
  args: z.array(z.json()).max(8).default([]),
});

const workflowSchema = {
  workflow_id: z.string().min(1).max(1000),
  /** Of the same Temporal server; the role's own when left out. */
  namespace: z.string().min(1).max(255).optional(),
};

/** Another workflow, told by a signal, and asked by a query whether it heeds it. Its payloads are plain JSON. */
const temporalSignalTarget = z.strictObject({
  kind: z.literal('temporal_signal'),
  ...workflowSchema,
  contain: signalSchema,
  release: signalSchema,
  state: z.strictObject({ query: z.string().min(1).max(200), member: memberSchema.optional(), ...wordsSchema }),
  timeout_seconds: secondsSchema,
});

/** Another workflow, held by the server itself: its tasks wait until it is let go on. */
const temporalPauseTarget = z.strictObject({
  kind: z.literal('temporal_pause'),
  ...workflowSchema,
  timeout_seconds: secondsSchema,
});

/** An account of the directory: it cannot sign in, and its sessions end. Nobody's account is enabled that was disabled before. */
const graphAccountTarget = z.strictObject({
  kind: z.literal('graph_account'),
  tenant_id: guidSchema,
  user_id: guidSchema,
  end_sessions: z.boolean().default(true),
});

/**
 * A directory role of an account, taken away whoever gave it. A release does not give it back: that takes a grant of its own.
 */
const graphRoleTarget = z.strictObject({
  kind: z.literal('graph_role'),
  tenant_id: guidSchema,
  user_id: guidSchema,
  role_template_id: guidSchema,
  directory_scope_id: z
    .string()
    .regex(/^\/[A-Za-z0-9/._-]{0,199}$/, 'expected / or the path of an administrative unit')
    .default('/'),
});

/** A line in the role's log, and nothing else: it holds always, and there is nothing to undo. */
const logTarget = z.strictObject({ kind: z.literal('log') });

export const containmentTargetSchema = z.discriminatedUnion('kind', [
  httpTarget,
  commandTarget,
  temporalSignalTarget,
  temporalPauseTarget,
  graphAccountTarget,
  graphRoleTarget,
  logTarget,
]);
export type ContainmentTarget = z.output<typeof containmentTargetSchema>;
export type TargetOf<K extends ContainmentTarget['kind']> = Extract<ContainmentTarget, { kind: K }>;
