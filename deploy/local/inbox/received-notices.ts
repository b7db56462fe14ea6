import { z } from 'zod';
import { jsonOrNull } from '../../../domain/json-or-null.js';

/** What a receiver reads of a notice; the rest of the payload is kept as it came. */
const noticeSchema = z.looseObject({
  id: z.string().max(200),
  type: z.string().max(100),
  timestamp: z.string().max(40),
  event_id: z.string().max(40),
  summary: z.string().max(2000),
});

/** One notice as it arrived. */
export type ReceivedNotice = z.output<typeof noticeSchema> & { received_at: string };

/** The last notices that arrived, the newest first. The same notice sent again is the same notice. */
export class ReceivedNotices {
  private readonly byId = new Map<string, ReceivedNotice>();

  constructor(private readonly most = 200) {}

  /** Keeps one; false for a body that is no notice. */
  take(body: string, receivedAt: string): boolean {
    const parsed = noticeSchema.safeParse(jsonOrNull(body));
    if (!parsed.success) return false;
    if (!this.byId.has(parsed.data.id)) this.byId.set(parsed.data.id, { ...parsed.data, received_at: receivedAt });
    for (const id of this.byId.keys()) {
      if (this.byId.size <= this.most) break;
      this.byId.delete(id);
    }
    return true;
  }

  newestFirst(): ReceivedNotice[] {
    return [...this.byId.values()].reverse();
  }
}
