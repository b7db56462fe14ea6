import { policyJsonSchema } from '../../../domain/policy-json-schema.js';
import { EXIT } from '../../api/exit-status.js';
import { jsonText } from '../render.js';
import type { Session } from '../session.js';

/** `reseal policy schema`: the JSON Schema of policy files, always as JSON. */
export async function printPolicySchema(session: Session): Promise<number> {
  session.data(jsonText(policyJsonSchema(), 2));
  return EXIT.done;
}
