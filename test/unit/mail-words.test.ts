// What strangers say of themselves never reaches a mail: a mail program would make a link of it, under our name.
import { describe, expect, test } from '@jest/globals';
import { ALERT_RULES } from '../../src/core/mail/alerts.ts';
import { createMailRenderer, isKnownTemplate, type MailToRender } from '../../src/core/mail/rendering.ts';
import { english } from '../../src/core/mail/texts/en.ts';

const ORIGIN = 'https://login.example.org';
const render = createMailRenderer({ serviceName: 'Holdfast', origin: ORIGIN });
const templates = Object.keys(english).filter(isKnownTemplate);
const LINK = `${ORIGIN}/a-path?token=secret`;

const hostile = (word: string) => ({
  at: '2026-11-24T13:20:00.000Z',
  ip: '203.0.113.7',
  device: word,
  browser: word,
  system: word,
  to: `${word}/pay@evil.example`,
  zone: word,
  change: 'totp_added',
  ...{ rule: 'alerts_changed', phase: 'first', count: 1, seq: 7 },
  facts: { rule: word, codes: word, ip: word, accounts: word, what: word },
});

function rendered(template: (typeof templates)[number], parameters: object, language: string): string {
  const { subject, text, html } = render({ template, parameters, language, link: LINK } as MailToRender);
  return [subject, text, html].join('\n');
}

describe.each(['en', 'de'])('in %s', (language) => {
  test.each(templates)('%s has no word of a stranger', (template) => {
    for (const word of ['www.evil.example', 'evil.example', 'Call-0900-1234', 'http://evil.example/']) {
      const mail = rendered(template, hostile(word), language);
      expect(mail).not.toMatch(/evil|0900/);
      // As an earlier version wrote it: without the names.
      const { browser: _browser, system: _system, ...earlier } = hostile(word);
      expect(rendered(template, earlier, language)).not.toMatch(/evil|0900/);
      for (const [, link = ''] of mail.matchAll(/href="([^"]+)"/g)) expect(link).toMatch(new RegExp(`^${ORIGIN}`));
    }
  });

  test.each(ALERT_RULES)('the alert %s has none either', (rule) => {
    for (const phase of ['first', 'more', 'over', 'test']) {
      for (const seq of [7, null]) {
        const mail = rendered('alert', { ...hostile('evil.example'), rule, phase, seq }, language);
        expect(mail).not.toMatch(/evil|undefined|NaN/);
        expect(mail).toContain(`${ORIGIN}${seq === null ? '/operator/alerts' : '/operator/audit/7'}`);
      }
    }
  });

  test('the names that are known are said', () => {
    const known = { ...hostile(''), browser: 'Firefox', system: 'Windows' };
    expect(rendered('new-device', known, language)).toMatch(/Firefox (on|auf) Windows/);
  });

  test('a moment is said in UTC, and by a clock where the browser was, with the day where that is another', () => {
    const mail = (zone: string | null) => rendered('new-device', { ...hostile(''), zone }, language);
    expect(mail('Asia/Tokyo')).toMatch(/13:20 UTC \(22:20 in Asia\/Tokyo\)/);
    expect(mail('Pacific/Auckland')).toMatch(/13:20 UTC \(25\.? November 2026 (at|um) 02:20 in Pacific\/Auckland\)/);
    for (const zone of [null, 'UTC', 'Evil/Example']) expect(mail(zone)).toMatch(/13:20 UTC, /);
  });
});
