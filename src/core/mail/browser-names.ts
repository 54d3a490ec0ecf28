// The names of browsers and systems that a mail may say. What a browser calls itself is a stranger's word: one
// with a dot in it would be a link in mail programs. So a name that is not listed here is an unknown browser.

/** As the pages call them. */
const BROWSERS = new Set<string>([
  ...['Amazon Silk', 'Android Browser', 'BlackBerry', 'Brave', 'Chrome', 'Chromium', 'DuckDuckGo', 'Edge', 'Electron'],
  ...['Epiphany', 'Firefox', 'Focus', 'Google Search', 'HeyTap Browser', 'Internet Explorer', 'K-Meleon', 'Ladybird'],
  ...['LibreWolf', 'Maxthon', 'MZ Browser', 'NAVER Whale Browser', 'Opera', 'Opera Coast', 'Pale Moon', 'PhantomJS'],
  ...['Puffin', 'QQ Browser', 'QQ Browser Lite', 'QupZilla', 'Roku', 'Safari', 'Sailfish', 'SeaMonkey', 'Sleipnir'],
  ...['Samsung Internet for Android', 'Sogou Browser', 'Swing', 'Tizen', 'UC Browser', 'Vivaldi', 'Vivo Browser'],
  ...['WebOS Browser', 'WeChat', 'Yandex Browser', 'Googlebot'],
  // Programs that are no browsers, and browsers without pictures.
  ...['axios', 'curl', 'Dart', 'ELinks', 'Go-http-client', 'HTTPie', 'Java', 'libwww-perl', 'Links', 'Lynx', 'node'],
  ...['okhttp', 'PostmanRuntime', 'python-requests', 'undici', 'w3m', 'Wget'],
]);

const SYSTEMS = new Set<string>([
  ...['Android', 'Bada', 'BlackBerry', 'Chrome OS', 'HarmonyOS', 'iOS', 'iPad', 'iPhone', 'Linux', 'macOS'],
  ...['PlayStation 4', 'Roku', 'Tizen', 'WebOS', 'Windows', 'Windows Phone'],
]);

/** The name if it is a known browser's, else null. */
export function knownBrowser(name: string | null | undefined): string | null {
  return name !== null && name !== undefined && BROWSERS.has(name) ? name : null;
}

/** The name if it is a known system's, else null. */
export function knownSystem(name: string | null | undefined): string | null {
  return name !== null && name !== undefined && SYSTEMS.has(name) ? name : null;
}
