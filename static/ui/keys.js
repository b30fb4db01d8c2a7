// Single keys: any link, button or radio with data-key="…" is pressed by that key while nobody is typing.
// `?` lists the keys of the page. They can be switched off (WCAG 2.1.4).
const help = document.getElementById('keys');
const STORE = 'tidui_keys';
const enabled = () => { try { return localStorage.getItem(STORE) !== 'off'; } catch { return true; } };

const typing = (el) => el.matches('textarea, select, [contenteditable], input:not([type="radio"], [type="checkbox"], [type="button"], [type="submit"], [type="file"])');
const shown = (el) => el.checkVisibility() && !el.disabled && !el.closest('[inert], [hidden]');

function scope() {
  const open = [...document.querySelectorAll('dialog[open]')].at(-1);
  return open || document;
}

function press(key) {
  for (const el of scope().querySelectorAll(`[data-key="${CSS.escape(key)}"]`)) {
    if (!shown(el)) continue;
    if (el.matches('input[type="radio"]')) { el.checked = true; el.focus(); el.dispatchEvent(new Event('change', { bubbles: true })); } else el.click();
    return true;
  }
  return false;
}

// arrows walk the radios that have number keys, also while none of them has the focus
function walk(step) {
  const radios = [...scope().querySelectorAll('input[type="radio"][data-key]')].filter(shown);
  if (!radios.length) return false;
  const at = radios.findIndex((radio) => radio.checked);
  const next = radios[at < 0 ? (step > 0 ? 0 : radios.length - 1) : (at + step + radios.length) % radios.length];
  next.checked = true;
  next.focus();
  return true;
}

function list() {
  const page = help.querySelector('[data-page-keys]');
  const seen = new Set();
  page.replaceChildren();
  for (const el of document.querySelectorAll('[data-key]')) {
    if (!shown(el) || seen.has(el.dataset.key)) continue;
    seen.add(el.dataset.key);
    const label = el.matches('input') ? el.closest('label') : el;
    const copy = label.cloneNode(true);
    copy.querySelectorAll('kbd, [aria-hidden="true"]').forEach((part) => part.remove());
    const text = el.dataset.keyLabel || el.getAttribute('aria-label') || copy.textContent.trim().replace(/\s+/g, ' ').slice(0, 40);
    const dt = document.createElement('dt');
    const key = document.createElement('kbd');
    key.textContent = el.dataset.key.replace('ArrowLeft', '←').replace('ArrowRight', '→').replace(/^[a-z]$/, (c) => c.toUpperCase());
    dt.append(key);
    const dd = document.createElement('dd');
    dd.textContent = text;
    page.append(dt, dd);
  }
  page.hidden = !seen.size;
}

function showHelp() {
  if (!help || help.open) return;
  list();
  help.querySelector('#keys-on').checked = enabled();
  help.showModal();
}

document.addEventListener('click', (event) => { if (event.target.closest('[data-keys-help]')) showHelp(); });
help?.querySelector('#keys-on').addEventListener('change', (event) => {
  try { localStorage.setItem(STORE, event.target.checked ? 'on' : 'off'); } catch { /* private window */ }
});

document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target instanceof Element ? event.target : document.body;
  if (typing(target) || !enabled()) return;
  let done = false;
  if (event.key === '?') { showHelp(); done = true; } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    if (target.matches('a, button, summary, [role="option"]') || target.closest('details, .td-scroll')) return;
    done = walk(event.key === 'ArrowDown' ? 1 : -1);
  } else if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
    if (target.closest('.td-scroll, .td-track, .td-seg')) return;
    done = press(event.key);
  } else if (event.key === 'Enter') {
    if (target.matches('a, button, summary, input[type="checkbox"], input[type="file"]')) return;
    done = press('Enter');
  } else if (event.key.length === 1) done = press(event.key.toLowerCase());
  if (done) event.preventDefault();
});
