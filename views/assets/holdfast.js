// What a page can do without, and is pleasanter with: a password shown while it is typed, times in the reader's zone,
// keys for the audit log. Nothing here is needed for any task.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const LOCALE = document.documentElement.lang === 'en' ? 'en-GB' : document.documentElement.lang;

for (const button of document.querySelectorAll('[data-reveal]')) setUpReveal(button);
showTimes();
for (const input of document.querySelectorAll('[data-utc]')) setUpMoment(input);
setInterval(showTimes, MINUTE / 2);
if (document.querySelector('[data-search]')) document.addEventListener('keydown', onAuditKey);

function setUpReveal(button) {
  const input = document.getElementById(button.dataset.reveal);
  const words = { text: button.dataset.hide, password: button.firstChild.data };
  const show = (shown) => {
    input.type = shown ? 'text' : 'password';
    button.firstChild.data = words[input.type];
  };
  button.hidden = false;
  button.addEventListener('click', () => show(input.type === 'password'));
  // Sent as a password field, or browsers would offer it as a suggestion later.
  input.form.addEventListener('submit', () => show(false));
}

function showTimes() {
  const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' });
  for (const element of document.querySelectorAll('time')) {
    const date = new Date(element.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    element.title = exact.format(date);
    const said = 'exact' in element.dataset ? exact.format(date) : inZone(date, element.textContent);
    if (said) element.textContent = said;
  }
}

// What the server said relatively is said again as of now; what it said in UTC, in the zone of the reader.
function inZone(date, text) {
  if (!/(just now|ago| UTC|^in .*)$/.test(text)) return null;
  const near = relative(date - Date.now());
  if (near) return near;
  const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZoneName: 'short' }).format(
    date,
  );
  const days = Math.round((new Date(date).setHours(0, 0, 0, 0) - new Date().setHours(0, 0, 0, 0)) / (24 * HOUR));
  const name = { '-1': 'yesterday', 0: 'today', 1: 'tomorrow' }[days];
  return name
    ? `${name} at ${clock}`
    : `${new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' }).format(date)}, ${clock}`;
}

// The server takes UTC. With a script, the fields show and take the reader's own time, and send it with its zone.
function setUpMoment(input) {
  const utc = new Date(`${input.value}Z`);
  if (!Number.isNaN(utc.getTime())) {
    const shifted = new Date(utc.getTime() - utc.getTimezoneOffset() * MINUTE);
    input.value = shifted.toISOString().replace(/(:00)?\.000Z$/, '');
  }
  for (const zone of input.form.querySelectorAll('[data-zone]')) zone.textContent = '';
  input.form.addEventListener('formdata', ({ formData }) => {
    const moment = new Date(input.value);
    if (input.value && !Number.isNaN(moment.getTime())) formData.set(input.name, moment.toISOString());
  });
}

function relative(awayMs) {
  const distanceMs = Math.abs(awayMs);
  if (distanceMs < 45_000 || distanceMs >= 12 * HOUR) return null;
  const [unitMs, unit] = distanceMs < HOUR ? [MINUTE, 'minute'] : [HOUR, 'hour'];
  const count = Math.sign(awayMs) * Math.max(1, Math.floor(distanceMs / unitMs));
  return new Intl.RelativeTimeFormat(LOCALE).format(count, unit);
}

function onAuditKey(event) {
  const typing = event.target.closest('input, select, textarea, dialog');
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = { '/': toSearch, j: () => toRow(1), k: () => toRow(-1), Enter: openRow, '?': showKeys }[event.key];
  if (act?.(event) !== false && act) event.preventDefault();
}

function toSearch() {
  document.querySelector('[data-search]').select();
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
  document.querySelector('.keys').showModal();
}
