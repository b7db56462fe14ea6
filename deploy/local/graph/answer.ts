/** Error codes that this simulator answers of its own accord; a fault may carry any other word. */
export type GraphErrorCode =
  | 'AadPremiumLicenseRequired'
  | 'ActiveDurationTooShort'
  | 'Authorization_RequestDenied'
  | 'BadRequest'
  | 'InvalidAuthenticationToken'
  | 'InvalidRoleAssignmentRequest'
  | 'InvalidRoleAssignmentRequestSchedule'
  | 'InvalidScope'
  | 'PendingRoleAssignmentRequest'
  | 'RequestBodyTooLarge'
  | 'Request_BadRequest'
  | 'Request_ResourceNotFound'
  | 'Request_UnsupportedQuery'
  | 'ResourceIsLocked'
  | 'RoleAssignmentDoesNotExist'
  | 'RoleAssignmentExists'
  | 'RoleAssignmentRequestAcrsValidationFailed'
  | 'RoleAssignmentRequestNotFound'
  | 'RoleAssignmentRequestPolicyValidationFailed'
  | 'RoleNotFound'
  | 'SubjectNotFound'
  | 'UnauthorizedAccessException'
  | 'MethodNotAllowed'
  | 'InternalServerError';

/** What the simulated service answers; without a body for 204. */
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal of the simulated service; thrown anywhere below the router, answered as an OData error. */
export class GraphFailure extends Error {
  constructor(
    readonly status: number,
    readonly code: GraphErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** Shorthand for the many refusals with status 400. */
export function refuse(code: GraphErrorCode, message: string): GraphFailure {
  return new GraphFailure(400, code, message);
}

const FAULT_CODES: Readonly<Record<number, [code: string, message: string]>> = {
  400: ['Request_BadRequest', 'The request is invalid.'],
  401: ['InvalidAuthenticationToken', 'Access token validation failure.'],
  403: ['Authorization_RequestDenied', 'Insufficient privileges to complete the operation.'],
  404: ['Request_ResourceNotFound', 'The resource does not exist or has not been replicated yet.'],
  409: ['Directory_ConcurrencyViolation', 'A concurrent change prevented this request. Please retry.'],
  429: ['TooManyRequests', 'Please retry again later.'],
  500: ['InternalServerError', 'An internal error occurred.'],
  502: ['BadGateway', 'The gateway received an invalid response.'],
  503: ['ServiceUnavailable', 'The service is temporarily unavailable.'],
  504: ['GatewayTimeout', 'The gateway did not receive a response in time.'],
};

/** The code and message that the service usually gives with a status. */
export function usualError(status: number): [code: string, message: string] {
  return FAULT_CODES[status] ?? ['UnknownError', 'The request could not be served.'];
}

export const GRAPH = 'https://graph.microsoft.com/v1.0';

/** 200 or 201 with one entity and its context. */
export function entity(status: 200 | 201, set: string, value: object): Answer {
  return { status, body: { '@odata.context': `${GRAPH}/$metadata#${set}/$entity`, ...value } };
}
