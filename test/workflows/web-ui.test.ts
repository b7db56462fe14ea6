import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CeremonyStack, type Asked } from '../support/ceremony-stack.js';
import { hurry, isOver } from '../support/records.js';

const BROWSER = '/usr/bin/chromium';
const missing = existsSync(BROWSER) ? null : `skipped: there is no ${BROWSER}`;
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];
/** Where to leave pictures, for a person who wants to see them. */
const pictures = process.env['RESEAL_UI_PICTURES'];

/** What an attacker would write to be read by whoever opens the history. */
const HOSTILE =
  'Disk full on db1 [approve here](https://evil.example/approve) <img src=x onerror=alert(1)> | **sure** | ![x](https://evil.example/x.png) `code` # head';

describe.skipIf(missing !== null)(`Temporal's Web UI${missing === null ? '' : ` (${missing})`}`, () => {
  let stack: CeremonyStack;
  let profile: string;
  let context: BrowserContext;
  let asked: Asked;
  const elsewhere: string[] = [];

  beforeAll(async () => {
    stack = await CeremonyStack.start({ host: { ports: 'free' } });
    profile = await mkdtemp(path.join(os.tmpdir(), 'reseal-chromium-'));
    context = await chromium.launchPersistentContext(profile, {
      executablePath: BROWSER,
      headless: true,
      args: [...ARGS, '--disable-component-update', '--disable-sync'],
      viewport: { width: 1500, height: 1400 },
    });
    await context.route('**', (route) => {
      const { hostname } = new URL(route.request().url());
      if (hostname === '127.0.0.1' || hostname === 'localhost') return route.continue();
      elsewhere.push(hostname);
      return route.abort();
    });
    asked = await stack.activate({ justification: HOSTILE });
    await stack.advance(asked.event, '6m');
    await stack.say(asked, 'bob', 'kill');
    await hurry(stack, asked.event, isOver);
  }, 180_000);
  afterAll(async () => {
    await context?.close();
    await stack?.stop();
    if (profile !== undefined) await rm(profile, { recursive: true, force: true });
  });

  async function open(url: string, shows: string): Promise<{ page: Page; text: string }> {
    const page = await context.newPage();
    await page.goto(url);
    await page.getByText(shows, { exact: false }).first().waitFor({ timeout: 45_000 });
    await page.waitForTimeout(1_000);
    return { page, text: await page.locator('body').innerText() };
  }

  async function picture(page: Page, name: string): Promise<void> {
    if (pictures !== undefined) await page.screenshot({ path: path.join(pictures, `ui-${name}.png`) });
  }

  it('tells a ceremony by the summaries of its history', async () => {
    const { ui_url } = await stack.view(asked.event);
    const { page, text } = await open(ui_url ?? '', 'Security Administrator');
    await picture(page, 'history');
    for (const summary of [
      'read the grant back',
      'end mark: kill',
      'remove Security Administrator',
      'ledger entries',
    ]) {
      expect(text).toContain(summary);
    }
    await page.getByText('Timeline', { exact: true }).first().click();
    await page.waitForTimeout(2_000);
    await picture(page, 'timeline');
    expect(text).toContain('alice@corp.example');
    expect(text).not.toContain('reseal-key-id');
    await page.close();
  });

  it('shows the current details as a timeline, and untrusted text as text', async () => {
    const { ui_url } = await stack.view(asked.event);
    const { page } = await open(ui_url ?? '', 'Event History');
    await page.getByRole('tab', { name: 'User Metadata' }).or(page.getByText('User Metadata')).first().click();
    // Markdown is rendered in frames of its own.
    const framed = async (): Promise<string> =>
      (await Promise.all(page.frames().map((frame) => frame.locator('body').innerText()))).join('\n');
    await expect.poll(framed, { timeout: 30_000 }).toContain('approved by');
    const text = await framed();
    await picture(page, 'details');
    expect(text).toContain('approved by bob@corp.example');
    expect(text).toContain('[approve here](https://evil.example/approve)');
    expect(text).toContain('<img src=x onerror=alert(1)>');
    for (const frame of page.frames()) {
      expect(await frame.locator('a[href*="evil.example"], img[src*="evil.example"], img[src="x"]').count()).toBe(0);
    }
    expect(elsewhere).not.toContain('evil.example');
    await page.close();
  });

  it('tells of an incident what it is, what was done, and what it waits for', async () => {
    const { gateway_url, temporal_ui_url, temporal_namespace } = stack.stack.dev;
    const report = { class: 'integrity_violation', source: HOSTILE.slice(0, 60), host: 'local-host' };
    const answer = await fetch(`${gateway_url}/api/v1/incidents/report`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(report),
    });
    const { id } = (await answer.json()) as { id: string };
    const url = `${temporal_ui_url}/namespaces/${temporal_namespace}/workflows/${encodeURIComponent(`incident/${id}`)}`;
    const { page } = await open(url, id);
    await page.getByRole('tab', { name: 'User Metadata' }).or(page.getByText('User Metadata')).first().click();
    const framed = async (): Promise<string> => {
      await page.keyboard.press('r');
      return (await Promise.all(page.frames().map((frame) => frame.locator('body').innerText()))).join('\n');
    };
    await expect.poll(framed, { timeout: 30_000, interval: 1_000 }).toContain('Missing before it can be resolved');
    const text = await framed();
    await picture(page, 'incident');
    expect(text).toContain('critical integrity_violation on local-host');
    expect(text).toContain('freeze_agent holds');
    expect(text).toContain('signed_acknowledgement: an incident like this one is acknowledged by a signed statement');
    expect(text).toContain(`reseal incident get ${id}`);
    expect(text).toContain('[approve here]');
    await page.close();
  });

  it('lists ceremonies', async () => {
    const { temporal_ui_url, temporal_namespace } = stack.stack.dev;
    const { page, text } = await open(`${temporal_ui_url}/namespaces/${temporal_namespace}/workflows`, asked.event);
    await picture(page, 'list');
    expect(text).toContain(`breakglass/${asked.event}`);
    await page.close();
  });
});
