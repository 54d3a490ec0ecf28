// Beside Bull Board: its place, names for its buttons that have only a picture, and no way to another origin. Bull Board
// reads its place from a <base>, which our policy lets no page have. An element of that name that is none of HTML tells it the
// same and moves no link.

const base = document.createElementNS('holdfast', 'base');
base.setAttribute('href', document.currentScript.dataset.base);
document.head.append(base);

/** By the picture in them (lucide.dev). */
const NAMES = {
  activity: 'Redis: its state',
  copy: 'Copy',
  'ellipsis-vertical': 'More',
  ellipsis: 'More',
  'arrow-down-wide-narrow': 'Sort',
  'arrow-up-narrow-wide': 'Sort',
  'arrow-up-down': 'Sort',
  maximize: 'Whole screen',
  settings: 'Settings',
};

new MutationObserver(nameAll).observe(document.documentElement, { childList: true, subtree: true });
nameAll();

function nameAll() {
  for (const button of document.querySelectorAll('button:not([aria-label], [title]), a:not([aria-label], [title])')) {
    if (!hasText(button)) button.setAttribute('aria-label', nameOf(button));
  }
  for (const picture of document.querySelectorAll('svg[role="img"]:not([aria-hidden])')) {
    picture.setAttribute('aria-hidden', 'true');
  }
  for (const input of document.querySelectorAll('input:not([aria-label], [type="checkbox"])')) {
    if (input.placeholder && !input.labels?.length) input.setAttribute('aria-label', input.placeholder);
  }
  for (const link of document.querySelectorAll('a[href]')) {
    if (link.origin !== location.origin) link.style.display = 'none';
  }
}

function hasText(element) {
  if (element.querySelector('img[alt]:not([alt=""])')) return true;
  return [...element.childNodes].some((node) =>
    node.nodeType === Node.TEXT_NODE ? node.data.trim() !== '' : node.localName !== 'svg' && hasText(node),
  );
}

function nameOf(element) {
  const classes = [...(element.querySelector('svg')?.classList ?? [])];
  const picture = classes.find((name) => name.startsWith('lucide-'))?.slice('lucide-'.length);
  if (picture === undefined) return element.querySelector('svg') ? NAMES.activity : 'Open';
  return NAMES[picture] ?? `${picture.charAt(0).toUpperCase()}${picture.slice(1).replaceAll('-', ' ')}`;
}
