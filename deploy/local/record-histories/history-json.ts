import { createRequire } from 'node:module';
import proto from '@temporalio/proto';

export type History = proto.temporal.api.history.v1.IHistory;

interface ProtoJson {
  toJson(type: unknown, message: History): unknown;
  fromJson(type: unknown, json: unknown, options: { ignoreUnknownFields: boolean }): History;
}
interface ProtobufRoot {
  patchProtobufRoot: (root: unknown) => { lookupType(name: string): unknown };
}

/**
 * The protobuf library that `@temporalio/proto` itself uses. npm gives `@temporalio/common` a copy of its own, which does
 * not know the types of the other, so that `historyToJSON` and `historyFromJSON` there throw.
 */
const requireBesideProto = createRequire(createRequire(import.meta.url).resolve('@temporalio/proto'));
const protojson = requireBesideProto('protobufjs/ext/protojson') as ProtoJson;
const { patchProtobufRoot } = requireBesideProto('@temporalio/proto/lib/patch-protobuf-root') as ProtobufRoot;
const historyType = patchProtobufRoot(proto).lookupType('temporal.api.history.v1.History');

/** A history in the JSON form of its protobuf message, which Temporal's own tools read and write. */
export function historyToJson(history: History): string {
  return JSON.stringify(protojson.toJson(historyType, proto.temporal.api.history.v1.History.fromObject(history)));
}

/** Throws where the text is not such a history. */
export function historyFromJson(text: string): History {
  return protojson.fromJson(historyType, JSON.parse(text), { ignoreUnknownFields: true });
}
