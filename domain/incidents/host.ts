import { z } from 'zod';
import { containmentActionSchema } from './classes.js';
import { containmentTargetSchema, targetNameSchema } from './containment-targets.js';
import { hostNameSchema } from './incident-id.js';
import { addressSchema, filePathSchema } from './service-address.js';

/** What a host's own services are called: four that can be contained, and three that say how it is. */
export const HOST_SERVICES = [
  'agent',
  'airlock',
  'vault',
  'models',
  'integrity',
  'attestor',
  'incident_recorder',
] as const;
export type HostService = (typeof HOST_SERVICES)[number];

/** Where a service is, and what it is shown. */
export const serviceSchema = z.strictObject({
  url: addressSchema,
  /** Holds the bearer token; mode 0600, read for each call, so that it can be changed at any time. */
  token_file: filePathSchema.optional(),
  /** PEM: who signs the service's certificate; the system's authorities when left out. */
  ca_file: filePathSchema.optional(),
});
export type ServiceSettings = z.output<typeof serviceSchema>;

/** `reseal attest-agent` on the host: shown a token, or over TLS a certificate of our own. */
export const attestAgentSchema = z
  .strictObject({
    url: addressSchema,
    token_file: filePathSchema.optional(),
    tls: z.strictObject({ key_file: filePathSchema, cert_file: filePathSchema, ca_file: filePathSchema }).optional(),
  })
  .refine(({ token_file, tls }) => (token_file === undefined) !== (tls === undefined), {
    message: 'expected either token_file or tls',
  });
export type AttestAgentSettings = z.output<typeof attestAgentSchema>;

/** What one action does on a host: its targets by name, carried out in this order and undone in the opposite one. */
const targetsSchema = z
  .record(targetNameSchema, containmentTargetSchema)
  .refine((targets) => Object.keys(targets).length > 0, 'an action without a target contains nothing')
  .refine((targets) => Object.keys(targets).length <= 16, 'expected at most 16 targets');

export const hostSchema = z
  .strictObject({
    attest_agent: attestAgentSchema.optional(),
    services: z.partialRecord(z.enum(HOST_SERVICES), serviceSchema).default({}),
    actions: z.partialRecord(containmentActionSchema, targetsSchema).default({}),
  })
  .superRefine(({ services, actions }, context) => {
    for (const [action, targets] of Object.entries(actions)) {
      for (const [name, target] of Object.entries(targets)) {
        if (target.kind !== 'http' || services[target.service] !== undefined) continue;
        const path = ['actions', action, name, 'service'];
        context.addIssue({ code: 'custom', path, message: `this host has no service ${target.service}` });
      }
    }
  });
export type Host = z.output<typeof hostSchema>;

/**
 * `reseal.hosts.v1`: the hosts that a role may reach, by name. YAML. Each role has a file of its own, which names its own
 * tokens: the verifier's says where hosts are asked, the containment role's what may be done to them. Nothing else in
 * Reseal carries an address.
 */
export const hostsSchema = z.strictObject({
  schema: z.literal('reseal.hosts.v1'),
  hosts: z.record(hostNameSchema, hostSchema),
});
export type Hosts = z.output<typeof hostsSchema>['hosts'];
