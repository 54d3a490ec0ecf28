// What a browser complains of while a test goes on.
import type { Page } from 'playwright-core';

/** Fills from now on: whatever the page's console says, its errors, and what it asks for anywhere but at `base`. */
export function complaintsOf(page: Page, base: string): string[] {
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(base)) complaints.push(`asked ${request.url()}`);
  });
  return complaints;
}
