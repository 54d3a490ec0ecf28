// Asks a page where its text stands (text-faults.js): what is wrong with it as it is drawn now.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

const SOURCE = readFileSync(join(import.meta.dirname, 'text-faults.js'), 'utf8');

export function textFaults(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`(() => { ${SOURCE}; return textFaults(); })()`);
}
