import { afterAll, beforeAll, beforeEach } from 'vitest';

import type { Kind, TestDatabase } from './both-databases.js';
import { RegisterWorld } from './register-world.js';

/** One database a file and kind, and an empty register in it before each test. */
export function inARegister(open: Kind[2], begin: (world: RegisterWorld) => void): void {
  let db: TestDatabase;
  let world: RegisterWorld;
  beforeAll(async () => {
    db = await open();
    world = new RegisterWorld(db.database);
    begin(world);
  }, 60_000);
  afterAll(() => db.close());
  beforeEach(() => world.clear());
}
