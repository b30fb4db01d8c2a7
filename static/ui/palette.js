// One search on every page: `/` or Ctrl-K. A combobox over a list the server renders.
const dialog = document.getElementById('palette');

if (dialog) {
  const input = dialog.querySelector('input');
  const list = document.getElementById('palette-list');
  const count = document.getElementById('palette-count');
  let timer = 0;
  let running = null;
  let asked = null;
  let pending = null;

  const options = () => [...list.querySelectorAll('[role="option"]:not([aria-disabled="true"])')];
  const current = () => list.querySelector('[role="option"][aria-selected="true"]');

  function select(option) {
    current()?.setAttribute('aria-selected', 'false');
    if (!option) { input.removeAttribute('aria-activedescendant'); return; }
    option.setAttribute('aria-selected', 'true');
    option.scrollIntoView({ block: 'nearest' });
    input.setAttribute('aria-activedescendant', option.id);
  }

  function expand(isOpen) {
    list.hidden = !isOpen;
    input.setAttribute('aria-expanded', String(isOpen));
  }

  // one question at a time; what was shown stays until the next answer is there
  function ask() {
    const query = input.value.trim();
    if (query === asked) return pending;
    asked = query;
    running?.abort();
    running = new AbortController();
    pending = answer(query, running.signal);
    return pending;
  }

  async function answer(query, signal) {
    const url = new URL(dialog.dataset.url, location.href);
    url.searchParams.set('q', query);
    list.setAttribute('aria-busy', 'true');
    let said = '';
    try {
      const response = await fetch(url, { headers: { 'X-Palette': '1', 'HX-Request': 'true' }, signal });
      const away = response.headers.get('HX-Redirect');
      if (away) { location.assign(away); return; }
      if (!response.ok) throw new Error(String(response.status));
      // same-origin markup of our own server, parsed without running anything
      const parsed = new DOMParser().parseFromString(await response.text(), 'text/html');
      const told = parsed.querySelector('[data-count]');
      said = told?.textContent || '';
      told?.remove();
      list.replaceChildren(...parsed.body.childNodes);
    } catch (error) {
      if (error.name === 'AbortError') return;
      asked = null;
      said = list.dataset.error;
      const line = document.createElement('div');
      line.className = 'td-empty td-s';
      line.setAttribute('role', 'option');
      line.setAttribute('aria-disabled', 'true');
      line.setAttribute('aria-selected', 'false');
      line.textContent = said;
      list.replaceChildren(line);
    }
    list.removeAttribute('aria-busy');
    expand(list.childElementCount > 0);
    list.scrollTop = 0;
    select(query ? options()[0] : null);
    count.textContent = said;
  }

  function open() {
    if (!dialog.open) dialog.showModal();
    input.select();
    if (!input.value.trim()) ask();
  }

  // a page opened beside this one leaves the palette as it is
  function follow(option, beside) {
    if (!option?.href) return;
    if (beside) window.open(option.href, '_blank', 'noopener');
    else location.assign(option.href);
  }

  function next(key, at, last) {
    if (key === 'Home') return 0;
    if (key === 'End') return last;
    if (key === 'ArrowDown') return at >= last ? 0 : at + 1;
    return at <= 0 ? last : at - 1;
  }

  input.addEventListener('input', (event) => {
    clearTimeout(timer);
    if (!event.isComposing) timer = setTimeout(ask, 120);
  });
  input.addEventListener('compositionend', () => { clearTimeout(timer); timer = setTimeout(ask, 120); });
  input.addEventListener('keydown', async (event) => {
    if (event.isComposing) return;
    const all = options();
    if (['ArrowDown', 'ArrowUp', 'Home', 'End'].includes(event.key) && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      if (all.length) select(all[next(event.key, all.indexOf(current()), all.length - 1)]);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      clearTimeout(timer);
      const beside = event.ctrlKey || event.metaKey;
      const chosen = input.value.trim() === asked && !list.hasAttribute('aria-busy') ? current() : null;
      await ask();
      follow(chosen || current() || options()[0], beside);
    } else if (event.key === 'Escape') {
      event.preventDefault();
      dialog.close();
    }
  });

  document.addEventListener('click', (event) => {
    const opener = event.target.closest('[data-palette]');
    if (!opener || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });
  document.addEventListener('keydown', (event) => {
    const isK = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k';
    const isSlash = event.key === '/' && !event.ctrlKey && !event.metaKey && !event.altKey
      && !event.target.closest?.('input, textarea, select, [contenteditable]');
    if (!isK && !isSlash) return;
    if (document.querySelector('dialog[open]') && !dialog.open) return;
    if (isSlash) { try { if (localStorage.getItem('tidui_keys') === 'off') return; } catch { /* private window */ } }
    event.preventDefault();
    open();
  });
}
