// Bundled into workflows: nothing of node: and nothing of @temporalio/worker may be imported here.
import {
  ApplicationFailure,
  DefaultFailureConverter,
  type FailureConverter,
  type PayloadConverter,
  type ProtoFailure,
  type SerializationContext,
} from '@temporalio/common';

/** The `type` of the ApplicationFailure that stands for a failure which could not be read. */
export const UNDECODABLE_FAILURE = 'undecodable_failure';

/**
 * The SDK's default conversion with messages and stack traces encoded (and so encrypted), except that reading never
 * throws. The SDK's own throws a TypeError on an activity or child failure without a type name, at any depth of
 * causes; anyone who can complete an activity can send one, and it would fail the workflow task for ever.
 */
class TotalFailureConverter extends DefaultFailureConverter {
  constructor() {
    super({ encodeCommonAttributes: true });
  }

  override failureToError(failure: ProtoFailure, converter: PayloadConverter, context?: SerializationContext): Error {
    try {
      return super.failureToError(failure, converter, context);
    } catch {
      return ApplicationFailure.create({ type: UNDECODABLE_FAILURE, message: 'a failure could not be read' });
    }
  }

  /** The SDK hands out the failure it read, and encoding then overwrites its message: a second encoding would lose it. */
  override errorToFailureInner(
    error: unknown,
    converter: PayloadConverter,
    context?: SerializationContext,
  ): ProtoFailure {
    return { ...super.errorToFailureInner(error, converter, context) };
  }
}

/** For `failureConverterPath` of a workflow bundle, a worker and a client. */
export const failureConverter: FailureConverter = new TotalFailureConverter();
