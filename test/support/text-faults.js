// Runs in a page: finds words that break in the middle, texts over each other, and times cut short.
// biome-ignore-all lint/correctness/noUnusedVariables: the page calls it

function textFaults() {
  const faults = [];
  const places = [];
  /** A name, an address, a code: what somebody else wrote may break anywhere. */
  const foreign = 'bdi, code, .mono, pre, .codes';
  const unread = 'script, style, option, title, noscript, dialog, iframe';
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.data.trim() === '' || node.parentElement.closest(unread)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const clip = clipOf(node.parentElement);
    const rects = clip ? seen(range, clip) : [];
    if (rects.length === 0) continue;
    places.push({ node, rects });
    if (!node.parentElement.closest(foreign)) brokenWords(node, range, clip);
  }
  overlaps();
  for (const cell of document.querySelectorAll('td:has(> time), td:has(> a > time), td:has(> span > time)')) {
    if (cell.checkVisibility() && cell.scrollWidth > cell.clientWidth + 1)
      faults.push(`a time is cut: ${cell.innerText}`);
  }
  return [...new Set(faults)];

  /** What shows of an element's text: the common part of everything that cuts it off; null where nothing does. */
  function clipOf(element) {
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return null;
    const clip = { left: -1e6, right: 1e6, top: -1e6, bottom: 1e6 };
    for (let at = element; at; at = at.parentElement) {
      const { clipPath, overflowX, overflowY } = getComputedStyle(at);
      if (clipPath !== 'none') return null;
      if (overflowX === 'visible' && overflowY === 'visible') continue;
      const { left, right, top, bottom } = at.getBoundingClientRect();
      clip.left = Math.max(clip.left, left);
      clip.right = Math.min(clip.right, right);
      clip.top = Math.max(clip.top, top);
      clip.bottom = Math.min(clip.bottom, bottom);
    }
    return clip;
  }

  function seen(range, clip) {
    return [...range.getClientRects()]
      .map((rect) => ({
        left: Math.max(rect.left, clip.left),
        right: Math.min(rect.right, clip.right),
        top: Math.max(rect.top, clip.top),
        bottom: Math.min(rect.bottom, clip.bottom),
        full: rect.width,
      }))
      .filter(({ left, right, top, bottom }) => right - left > 1 && bottom - top > 1);
  }

  /** A word that is wider than its line has to break somewhere. */
  function brokenWords(node, range, clip) {
    const block = node.parentElement.closest(
      'p, li, dt, dd, td, th, h1, h2, label, button, a.button, div, figcaption, body',
    );
    for (const { 0: word, index } of node.data.matchAll(/[\p{L}\p{N}]{2,}/gu)) {
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const rects = seen(range, clip);
      const lines = new Set(rects.map(({ top }) => Math.round(top)));
      const width = rects.reduce((sum, { full }) => sum + full, 0);
      if (lines.size > 1 && width < innerWidthOf(block)) faults.push(`breaks inside a word: ${word}`);
    }
  }

  function innerWidthOf(block) {
    const { paddingLeft, paddingRight, fontSize } = getComputedStyle(block);
    const mark = 2 * Number.parseFloat(fontSize); // such as a list's, before the word
    return block.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight) - mark;
  }

  function overlaps() {
    // What stays while the rest scrolls lies over it on purpose.
    const layer = ({ parentElement }) => parentElement.closest('.filters, .events thead');
    for (const [index, one] of places.entries()) {
      for (const other of places.slice(index + 1)) {
        if (layer(one.node) !== layer(other.node) || !one.rects.some((a) => other.rects.some((b) => isOver(a, b))))
          continue;
        faults.push(`over each other: ${one.node.data.trim().slice(0, 40)} | ${other.node.data.trim().slice(0, 40)}`);
      }
    }
  }

  function isOver(one, two) {
    const width = Math.min(one.right, two.right) - Math.max(one.left, two.left);
    const height = Math.min(one.bottom, two.bottom) - Math.max(one.top, two.top);
    return width > 2 && height > 0.35 * Math.min(one.bottom - one.top, two.bottom - two.top);
  }
}
