// What a page can do without, and is pleasanter with: a password shown while it is typed, times in the reader's zone,
// keys for the audit log. Nothing here is needed for any task.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const MOST_ROWS = 500;
/** The moments that are shown, by the clock of this machine. */
const seen = new WeakMap();
const ZONE = document.body.dataset.zone;
const LOCALE = document.documentElement.lang === 'en' ? 'en-GB' : document.documentElement.lang;
/** Part of the address of the page to come, which no server hears of; not a place on this one. */
const FRAGMENT = document.getElementById(location.hash.slice(1)) ? '' : location.hash;
const KEYS_OFF = 'keys-off';

// What only a script makes work is not in the page without one: some browsers show whatever is in it.
for (const part of document.querySelectorAll('[data-scripted]')) part.outerHTML = part.textContent;
for (const button of document.querySelectorAll('[data-reveal]')) setUpReveal(button);
for (const button of document.querySelectorAll('[data-copy]')) setUpCopy(button);
for (const button of document.querySelectorAll('[data-print]')) setUpPrint(button);
tellZone();
showTimes();
setInterval(showTimes, MINUTE / 2);
for (const place of document.querySelectorAll('[data-live]')) setUpLive(place);
for (const part of document.querySelectorAll('[data-look-again="going"]')) lookAgain(part);
showPlace(document.querySelector('.wide .nav'));
takeFragmentAlong();
standOnFormPage(document.body.dataset.formPage);
if (document.querySelector('[data-row]')) keepRow();
if (document.querySelector('.keys')) setUpKeys();
if (document.querySelector('[data-search]')) document.addEventListener('keydown', onAuditKey);

/** What a form was answered with can't be asked for again: back and reload ask for the form's page instead. */
function standOnFormPage(path) {
  if (path) history.replaceState(history.state, '', path + FRAGMENT);
}

/** A log-in leads on by forms and links with `next`: the browser keeps a fragment over their redirects. */
function takeFragmentAlong() {
  if (!FRAGMENT) return;
  for (const field of document.querySelectorAll('form[method=post] input[name=next]'))
    field.form.setAttribute('action', field.form.getAttribute('action') + FRAGMENT);
  for (const link of document.querySelectorAll('a[href*="?next="]')) link.hash = FRAGMENT;
  const onward = document.querySelector('[data-goes-on]');
  if (onward) location.replace(onward.href + FRAGMENT);
}

/** Back from what was opened out of a row, the focus is where it was: browsers keep no page that is `no-store`. */
function keepRow() {
  document.addEventListener('click', ({ target }) => {
    const link = target.closest('[data-row] a');
    if (link) history.replaceState({ opened: link.getAttribute('href') }, '');
  });
  const [{ type } = {}] = performance.getEntriesByType('navigation');
  const { opened } = history.state ?? {};
  if (type === 'back_forward' && opened)
    document.querySelector(`[data-row] a[href="${CSS.escape(opened)}"]`)?.focus({ preventScroll: true });
}

/** Where the console's places are one line that is pushed: the one that is open is in sight. */
function showPlace(places) {
  const here = places?.querySelector('[aria-current]');
  if (here) places.scrollLeft = here.offsetLeft - places.clientWidth / 2;
}

function setUpReveal(button) {
  const inputs = button.dataset.reveal.split(' ').map((id) => document.getElementById(id));
  const words = { text: button.dataset.hide, password: button.firstChild.data };
  const show = (shown) => {
    for (const input of inputs) input.type = shown ? 'text' : 'password';
    button.firstChild.data = words[inputs[0].type];
  };
  button.addEventListener('click', () => show(inputs[0].type === 'password'));
  // Sent as a password field, or browsers would offer it as a suggestion later.
  button.form.addEventListener('submit', () => show(false));
}

// New events of the log appear at the top. A stream that broke goes on from the last event that was seen, so none is missed.
function setUpLive(place) {
  const rows = document.querySelector('[data-live-rows]');
  const toggle = place.querySelector('[data-live-toggle]');
  const state = place.querySelector('[data-live-state]');
  const count = place.querySelector('[data-live-count]');
  const address = new URL(place.dataset.live, location.href);
  let source = null;
  let seen = 0;
  let failures = 0;
  // The count is beside what is read out: a busy log would never let anybody hear anything else.
  const say = (text, also = '') => {
    if (state.textContent !== text) state.textContent = text;
    count.textContent = also;
  };
  const tell = () => say('Live', seen === 0 ? '' : `: ${seen} new`);
  const stop = (text) => {
    source?.close();
    source = null;
    toggle.textContent = 'Go on';
    say(text);
  };
  const onEvent = ({ data, lastEventId }) => {
    address.searchParams.set('after', lastEventId);
    const template = document.createElement('template');
    template.innerHTML = JSON.parse(data);
    // The page may have been made while this event was sealed.
    if (document.getElementById(template.content.firstElementChild.id)) return;
    seen += 1;
    rows.prepend(template.content);
    rows.parentElement.hidden = false;
    document.querySelector('[data-live-empty]')?.remove();
    for (const row of [...rows.children].slice(MOST_ROWS)) row.remove();
    showTimes();
    tell();
  };
  const start = () => {
    toggle.textContent = 'Pause';
    source = new EventSource(address);
    source.addEventListener('audit', onEvent);
    source.addEventListener('open', () => {
      failures = 0;
      tell();
    });
    source.addEventListener('error', () => {
      if (source?.readyState !== EventSource.CLOSED) return say('Live: connecting again');
      // An answer that is no stream: the server is busy or away, or this session has ended.
      failures += 1;
      if (failures > 5) return stop('Live has ended. Load the page again.');
      say('Live: connecting again');
      setTimeout(() => source?.readyState === EventSource.CLOSED && start(), 2_000 * failures);
    });
  };
  place.hidden = false;
  toggle.addEventListener('click', () => (source ? stop('Paused') : start()));
  window.addEventListener('pagehide', () => source?.close());
  start();
}

// What goes on in the background is read again until it is done.
function lookAgain(part) {
  setTimeout(async () => {
    const answer = await fetch(location.href).catch(() => null);
    if (answer?.redirected) return location.reload(); // to the log-in: nobody is logged in any more
    const page = new DOMParser().parseFromString(answer?.ok ? await answer.text() : '', 'text/html');
    const now = page.querySelector('[data-look-again]') ?? part;
    if (now !== part) part.replaceWith(now);
    showTimes();
    if (now.dataset.lookAgain === 'going') lookAgain(now);
  }, 2_000);
}

function setUpCopy(button) {
  button.hidden = !navigator.clipboard;
  button.addEventListener('click', async () => {
    const codes = [...document.querySelectorAll('[data-codes] li')].map((item) => item.textContent);
    const text = document.getElementById(button.dataset.copy)?.textContent ?? codes.join('\n');
    await navigator.clipboard.writeText(text);
    button.textContent = button.dataset.copied;
  });
}

function setUpPrint(button) {
  button.addEventListener('click', () => print());
}

// A page that names its zone has its times in it; any other has the reader's own zone where the server said UTC.
function showTimes() {
  const exact = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium', timeStyle: 'long' });
  for (const element of document.querySelectorAll('time')) {
    const date = new Date(element.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    const near = element.hasAttribute('data-away') ? relative(awayNow(element)) : null;
    if (element.hasAttribute('data-clock')) element.title = near ?? element.title;
    else if (near) element.textContent = near;
    if (ZONE) continue;
    element.title = exact.format(date);
    if (!near && element.textContent.endsWith(' UTC')) element.textContent = inZone(date);
  }
}

// So that the server can say times in the zone of this browser.
function tellZone() {
  const { zoneCookie } = document.body.dataset;
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  if (!zoneCookie || !/^[\w/+-]+$/.test(timeZone ?? '')) return;
  const secure = zoneCookie.startsWith('__Host-') ? '; Secure' : '';
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing over plain HTTP
  document.cookie = `${zoneCookie}=${timeZone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}

// The server says how far away a moment was; the clock here, which may be off, only measures what has passed since.
function awayNow(element) {
  if (!seen.has(element)) seen.set(element, Date.now() + Number(element.dataset.away));
  return seen.get(element) - Date.now();
}

// "yesterday, 20:07 CET" or "23 Nov 2026, 20:07 CET": what the server said in UTC, in the zone of the reader.
function inZone(date) {
  const clock = { hour: '2-digit', minute: '2-digit', timeZoneName: 'short' };
  const days = Math.round((new Date(date).setHours(0, 0, 0, 0) - new Date().setHours(0, 0, 0, 0)) / (24 * HOUR));
  const day =
    Math.abs(days) <= 1
      ? new Intl.RelativeTimeFormat(LOCALE, { numeric: 'auto' }).format(days, 'day')
      : new Intl.DateTimeFormat(LOCALE, { dateStyle: 'medium' }).format(date);
  return `${day}, ${new Intl.DateTimeFormat(LOCALE, clock).format(date)}`;
}

// A moment ago it was "just now", in the words of the page: those stay.
function relative(awayMs) {
  const distanceMs = Math.abs(awayMs);
  if (distanceMs < 45_000 || distanceMs >= 12 * HOUR) return null;
  const [unitMs, unit] = distanceMs < HOUR ? [MINUTE, 'minute'] : [HOUR, 'hour'];
  const count = Math.sign(awayMs) * Math.max(1, Math.floor(distanceMs / unitMs));
  return new Intl.RelativeTimeFormat(LOCALE).format(count, unit);
}

/** Who speaks to their machine presses keys without meaning to: they can be turned off, in this browser. */
function setUpKeys() {
  const dialog = document.querySelector('.keys');
  const toggle = dialog.querySelector('[data-keys-toggle]');
  const state = dialog.querySelector('[data-keys-state]');
  const say = () => {
    toggle.textContent = keysAreOff() ? 'Turn them on' : 'Turn them off';
    state.textContent = keysAreOff() ? 'They are off in this browser.' : '';
  };
  toggle.addEventListener('click', () => {
    stored(() => (keysAreOff() ? localStorage.removeItem(KEYS_OFF) : localStorage.setItem(KEYS_OFF, '')));
    say();
  });
  document.querySelector('[data-keys]').addEventListener('click', showKeys);
  say();
}

function keysAreOff() {
  return stored(() => localStorage.getItem(KEYS_OFF)) !== null;
}

/** A browser may refuse its storage. */
function stored(work) {
  try {
    return work();
  } catch {
    return null;
  }
}

function onAuditKey(event) {
  const typing = event.target.closest('input, select, textarea, dialog');
  if (typing || event.ctrlKey || event.metaKey || event.altKey || keysAreOff()) return;
  const act = { '/': toSearch, j: () => toRow(1), k: () => toRow(-1), Enter: openRow, '?': showKeys }[event.key];
  if (act?.(event) !== false && act) event.preventDefault();
}

function toSearch() {
  const field = document.querySelector('[data-search]');
  if (!field.checkVisibility()) location.hash = field.form.id;
  field.select();
}

function toRow(step) {
  const rows = [...document.querySelectorAll('[data-row]')];
  const at = rows.indexOf(document.activeElement?.closest('[data-row]'));
  const to = rows[at < 0 ? 0 : Math.min(Math.max(at + step, 0), rows.length - 1)];
  to?.focus();
  to?.scrollIntoView({ block: 'nearest' });
}

// A link that has the focus opens by itself.
function openRow(event) {
  if (!event.target.matches('[data-row]')) return false;
  event.target.querySelector('[data-open]')?.click();
}

function showKeys() {
  document.querySelector('.keys')?.showModal();
}
