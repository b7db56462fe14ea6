import { ApplicationFailure, DefaultFailureConverter, type ProtoFailure } from '@temporalio/common';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { converterPaths } from '../../../workers/codec/data-converter.js';
import { failureConverter } from '../../../workers/codec/failure-converter.js';
import { payloadConverter } from '../../../workers/codec/payload-converter.js';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8');
const json = (text: string) => ({ metadata: { encoding: bytes('json/plain') }, data: bytes(text) });

describe('the payload converter', () => {
  it.each([
    ['invalid JSON', json('{"half":'), 'invalid_json'],
    ['empty JSON', json(''), 'invalid_json'],
    [
      'JSON of broken UTF-8',
      { metadata: { encoding: bytes('json/plain') }, data: Buffer.of(0xff, 0xfe) },
      'invalid_json',
    ],
    ['no data', { metadata: { encoding: bytes('json/plain') } }, 'missing_data'],
    ['an unknown encoding', { metadata: { encoding: bytes('x/y') }, data: bytes('1') }, 'unknown_encoding'],
    ['ciphertext', { metadata: { encoding: bytes('binary/encrypted') }, data: bytes('1') }, 'unknown_encoding'],
    ['metadata without encoding', { metadata: {} }, 'missing_encoding'],
    ['no metadata', {}, 'missing_encoding'],
  ])('turns %s into a value with its reason', (_, payload, reason) => {
    expect(payloadConverter.fromPayload(payload)).toEqual({ undecodable: true, reason });
  });

  it('reads deeply nested JSON without failing', () => {
    expect(payloadConverter.fromPayload(json('['.repeat(500_000) + ']'.repeat(500_000)))).toHaveLength(1);
  });

  it('writes as the SDK does', () => {
    expect(Buffer.from(payloadConverter.toPayload({ a: 1 }).data ?? []).toString()).toBe('{"a":1}');
  });
});

describe('the failure converter', () => {
  const nested = (info: ProtoFailure): ProtoFailure => ({ applicationFailureInfo: { type: 'outer' }, cause: info });

  it.each([
    ['an activity failure without a type', { activityFailureInfo: {} }],
    ['a child failure without a name', { childWorkflowExecutionFailureInfo: {} }],
  ])('reads %s, at any depth, where the SDK throws', (_, info) => {
    expect(() => new DefaultFailureConverter().failureToError(nested(info), payloadConverter)).toThrow(TypeError);
    expect(failureConverter.failureToError(info, payloadConverter)).toMatchObject({ type: 'undecodable_failure' });
    const outer = failureConverter.failureToError(nested(info), payloadConverter);
    expect(outer).toMatchObject({ type: 'outer', cause: { type: 'undecodable_failure' } });
  });

  it.each([json('{'), json('7'), json('{"message":7}'), { metadata: {} }])(
    'ignores encoded attributes that are garbage',
    (garbage) => {
      const failure = { message: 'clear', applicationFailureInfo: { type: 't' }, encodedAttributes: garbage };
      expect(failureConverter.failureToError(failure, payloadConverter)).toMatchObject({ message: 'clear', type: 't' });
    },
  );

  it('keeps messages and stack traces out of the clear', () => {
    const failure = failureConverter.errorToFailure(
      ApplicationFailure.nonRetryable('hush', 'denied'),
      payloadConverter,
    );
    expect(failure).toMatchObject({
      message: 'Encoded failure',
      stackTrace: '',
      applicationFailureInfo: { type: 'denied' },
    });
  });

  it('keeps the message of a failure that is encoded twice', () => {
    const sent = failureConverter.errorToFailure(ApplicationFailure.nonRetryable('hush'), payloadConverter);
    const received = failureConverter.failureToError(sent, payloadConverter);
    for (let pass = 0; pass < 2; pass++) {
      const again = failureConverter.errorToFailure(received, payloadConverter);
      expect(failureConverter.failureToError(again, payloadConverter).message).toBe('hush');
    }
  });
});

describe('the paths for a bundle', () => {
  it('name files that exist', () => {
    for (const path of Object.values(converterPaths)) expect(existsSync(path)).toBe(true);
  });
});
