import { z } from 'zod';
import { acceptedFields, componentListSchema, hexSchema, type Component } from './component-policy.js';

/** Banks that a policy may speak of, and how long their values are in hex. SHA-1 is none. */
export const PCR_BANKS = { sha256: 64, sha384: 96, sha512: 128 } as const;
export type PcrBank = keyof typeof PCR_BANKS;
const MAX_ALTERNATIVES = 256;

/** One value that a PCR may have, and who took the responsibility for it. */
const alternativeSchema = z.strictObject({ digest: hexSchema, ...acceptedFields });

const bankSchema = z.enum(Object.keys(PCR_BANKS) as [PcrBank, ...PcrBank[]]);
const indexSchema = z.string().regex(/^(0|[1-9]|1[0-9]|2[0-3])$/, 'expected the number of a PCR, 0 to 23');

/**
 * The values that hosts of one kind may show: for each PCR of each bank a set of allowed alternatives, so that an update can
 * be accepted before it is rolled out and the old state stays good until all have it. A PCR may be named by its whole value
 * (`pcrs`), by what is measured into it (`components`), or both, and then either is enough.
 */
export const pcrPolicySchema = z
  .strictObject({
    schema: z.literal('reseal.pcr_policy.v1'),
    name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected 1 to 64 of a-z 0-9 . _ -'),
    /** Counts up; what was judged is recorded with version and digest. */
    version: z.number().int().min(1),
    /** Keys that may speak for these hosts: TPM Names (algorithm and digest) or SHA-256 of the SubjectPublicKeyInfo. */
    aks: z.array(z.strictObject({ name: hexSchema }).or(z.strictObject({ spki_sha256: hexSchema }))).optional(),
    /** 16 hex digits, as quotes of these keys show them. */
    firmware_versions: z.array(hexSchema.refine((hex) => hex.length === 16, 'expected 16 hex digits')).optional(),
    pcrs: z.partialRecord(
      bankSchema,
      z.record(indexSchema, z.array(alternativeSchema).min(1, 'an empty set allows nothing').max(MAX_ALTERNATIVES)),
    ),
    /** By PCR, what is measured into it: sets of alternatives each, judged by the firmware's event log. */
    components: z.partialRecord(bankSchema, z.record(indexSchema, componentListSchema)).optional(),
    /** From which localities the TPM may have been started where PCR 0 is judged by components; 0 when left out. */
    startup_localities: z
      .array(z.literal([0, 3, 4]))
      .min(1)
      .max(3)
      .optional(),
  })
  .superRefine((policy, context) => {
    let named = 0;
    for (const [bank, pcrs] of Object.entries(policy.pcrs) as [PcrBank, PcrSets][]) {
      for (const [index, alternatives] of Object.entries(pcrs)) {
        named += 1;
        for (const [at, { digest }] of alternatives.entries()) {
          const path = ['pcrs', bank, index, at, 'digest'];
          if (digest.length !== PCR_BANKS[bank])
            context.addIssue({ code: 'custom', path, message: `a value of ${bank} has ${PCR_BANKS[bank]} hex digits` });
          if (alternatives.findIndex((other) => other.digest === digest) !== at)
            context.addIssue({ code: 'custom', path, message: 'the same value stands here already' });
        }
      }
    }
    for (const [bank, pcrs] of Object.entries(policy.components ?? {}) as [PcrBank, ComponentSets][]) {
      for (const [index, components] of Object.entries(pcrs)) {
        named += 1;
        for (const [at, { allowed }] of components.entries())
          for (const [which, one] of allowed.entries())
            if ('digest' in one && one.digest.length !== PCR_BANKS[bank]) {
              const path = ['components', bank, index, at, 'allowed', which, 'digest'];
              context.addIssue({
                code: 'custom',
                path,
                message: `a digest of ${bank} has ${PCR_BANKS[bank]} hex digits`,
              });
            }
      }
    }
    if (named === 0) context.addIssue({ code: 'custom', path: ['pcrs'], message: 'a policy without PCRs allows all' });
  });
export type PcrPolicy = z.output<typeof pcrPolicySchema>;
export type PcrAlternative = z.output<typeof alternativeSchema>;
type PcrSets = Record<string, PcrAlternative[]>;
type ComponentSets = Record<string, Component[]>;

/** A policy with the hex SHA-256 of its RFC 8785 form. */
export interface PcrPolicyInForce {
  policy: PcrPolicy;
  digest: string;
}

/** Bank and PCR, as a policy names them. */
export interface NamedPcr {
  bank: PcrBank;
  index: number;
}

/** Every PCR that the policy speaks of, in the order of the file, those that it names by components alone at the end. */
export function namedPcrs({ pcrs, components = {} }: PcrPolicy): NamedPcr[] {
  const inside = (sets: Partial<Record<PcrBank, Record<string, unknown>>>): NamedPcr[] =>
    (Object.entries(sets) as [PcrBank, Record<string, unknown>][]).flatMap(([bank, of]) =>
      Object.keys(of).map((index) => ({ bank, index: Number(index) })),
    );
  const byValue = inside(pcrs);
  return [...byValue, ...inside(components).filter(({ bank, index }) => pcrs[bank]?.[String(index)] === undefined)];
}

/** The components that the policy names of a PCR; undefined when it judges the PCR by its value alone. */
export const componentsOf = ({ components }: PcrPolicy, { bank, index }: NamedPcr): readonly Component[] | undefined =>
  components?.[bank]?.[String(index)];

/** What the policy holds against one value (lower-case hex); undefined when it is allowed, or when the policy names no value of the PCR. */
export function pcrObjection(policy: PcrPolicy, { bank, index }: NamedPcr, value: string): string | undefined {
  const allowed = policy.pcrs[bank]?.[String(index)];
  if (allowed === undefined || allowed.some(({ digest }) => digest === value)) return undefined;
  const [one] = allowed;
  const expected = allowed.length === 1 && one ? `${one.digest} (${one.label})` : `one of ${allowed.length} values`;
  return `${bank} PCR ${index} is ${value}, expected ${expected}`;
}

/** Whether the policy names the key; undefined when it names none. */
export function isEnrolledBy(
  policy: PcrPolicy,
  key: { name: string | null; spki_sha256: string },
): boolean | undefined {
  return policy.aks?.some((ak) => ('name' in ak ? ak.name === key.name : ak.spki_sha256 === key.spki_sha256));
}
