import { isGrpcDeadlineError, isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { ResealError } from './reseal-error.js';

/** gRPC status codes (https://grpc.github.io/grpc/core/md_doc_statuscodes.html). */
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const RESOURCE_EXHAUSTED = 8;
const UNAUTHENTICATED = 16;

/** What the Temporal client threw, as one of ours. The server's own words stay behind as the cause. */
export function fromTemporal(error: unknown, eventId?: string): ResealError {
  if (error instanceof ResealError) return error;
  if (isNotFound(error)) return notFound(eventId ?? '');
  const code = grpcCodeOf(error);
  if (code === PERMISSION_DENIED || code === UNAUTHENTICATED) {
    return new ResealError('temporal_unreachable', 'Temporal refuses these credentials', {
      hint: 'check the API key or the client certificate, and the namespace',
      cause: error,
    });
  }
  if (code === INVALID_ARGUMENT) {
    const hint = 'are the search attributes of Reseal registered in this namespace?';
    return new ResealError('internal', 'Temporal does not accept the call', { hint, cause: error });
  }
  if (code === RESOURCE_EXHAUSTED) {
    return new ResealError('temporal_unreachable', 'Temporal is throttling: try again', { cause: error });
  }
  if (code !== undefined || isGrpcDeadlineError(error)) {
    return new ResealError('temporal_unreachable', 'no answer from Temporal', {
      hint: 'is the server up, and is its address right?',
      cause: error,
    });
  }
  return new ResealError('internal', 'the call to Temporal failed', { cause: error });
}

export function isNotFound(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError || grpcCodeOf(error) === NOT_FOUND;
}

export function notFound(eventId: string): ResealError {
  return new ResealError('not_found', `there is no event ${eventId}`, { hint: 'see `reseal breakglass list`' });
}

function grpcCodeOf(error: unknown): number | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if (isGrpcServiceError(at)) return at.code;
  }
  return undefined;
}
