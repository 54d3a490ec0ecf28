// Words a person reads: browsers, and moments.
import { describeDevice, showTime } from '../../src/web/texts/times-and-devices.ts';

describe('describeDevice', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0', 'Firefox on Windows'],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15',
      'Safari on macOS',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
      'Safari on iPhone',
    ],
    [
      'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36',
      'Chrome on Android',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0',
      'Edge on Windows',
    ],
    ['curl/8.5.0', 'curl'],
    ['python-requests/2.32.3', 'python-requests'],
  ];
  it.each(cases)('%s', (userAgent, expected) => expect(describeDevice(userAgent)).toBe(expected));

  it.each([null, '', '   ', '<script>alert(1)</script>', '\u202Eevil/1', 'Mozilla/5.0', '\0', '%'.repeat(64 * 1024)])(
    'knows no browser in %p',
    (userAgent) => expect(describeDevice(userAgent)).toBe('Unknown browser'),
  );

  it('answers shortly and quickly whatever it is given', () => {
    const started = performance.now();
    for (const unit of ['A', 'Mozilla/5.0 (', 'Version/1 ', '((((', 'a/1 ', 'Android ;', '\u202E']) {
      expect(describeDevice(unit.repeat(64 * 1024)).length).toBeLessThan(80);
    }
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('showTime', () => {
  const now = new Date('2026-11-23T19:07:00Z');
  const cases: readonly (readonly [string, string])[] = [
    ['2026-11-23T19:06:30Z', 'just now'],
    ['2026-11-23T19:07:20Z', 'just now'],
    ['2026-11-23T19:06:00Z', '1 minute ago'],
    ['2026-11-23T19:02:10Z', '4 minutes ago'],
    ['2026-11-23T16:30:00Z', '2 hours ago'],
    ['2026-11-23T03:10:00Z', 'today at 03:10 UTC'],
    ['2026-11-22T05:00:00Z', 'yesterday at 05:00 UTC'],
    ['2026-11-21T19:07:00Z', '21 Nov 2026, 19:07 UTC'],
    ['2026-11-23T19:12:00Z', 'in 5 minutes'],
    ['2026-11-24T19:07:00Z', 'tomorrow at 19:07 UTC'],
  ];
  it.each(cases)('%s is %s', (date, text) => {
    expect(showTime(new Date(date), now)).toMatchObject({ text, iso: new Date(date).toISOString() });
  });

  it('says how long ago across midnight as long as that is short', () => {
    expect(showTime(new Date('2026-11-22T23:59:00Z'), new Date('2026-11-23T00:30:00Z')).text).toBe('31 minutes ago');
  });
});
