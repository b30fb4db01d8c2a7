// One search on every page: `/` or Ctrl-K. A combobox over a list the server renders.
const dialog = document.getElementById('palette');

if (dialog) {
  const input = dialog.querySelector('input');
  const list = document.getElementById('palette-list');
  let timer = 0;
  let running = null;
  let asked = null;

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

  async function ask() {
    const query = input.value.trim();
    if (query === asked) return;
    asked = query;
    running?.abort();
    running = new AbortController();
    const url = new URL(dialog.dataset.url, location.href);
    url.searchParams.set('q', query);
    try {
      const answer = await fetch(url, { headers: { 'X-Palette': '1', 'HX-Request': 'true' }, signal: running.signal });
      const away = answer.headers.get('HX-Redirect');
      if (away) { location.assign(away); return; }
      if (!answer.ok) throw new Error(String(answer.status));
      // same-origin markup of our own server, parsed without running anything
      const parsed = new DOMParser().parseFromString(await answer.text(), 'text/html');
      list.replaceChildren(...parsed.body.childNodes);
    } catch (error) {
      if (error.name === 'AbortError') return;
      asked = null;
      const line = document.createElement('div');
      line.className = 'td-empty td-s';
      line.setAttribute('role', 'option');
      line.setAttribute('aria-disabled', 'true');
      line.setAttribute('aria-selected', 'false');
      line.textContent = list.dataset.error;
      list.replaceChildren(line);
    }
    expand(list.childElementCount > 0);
    select(query ? options()[0] : null);
  }

  function open() {
    if (!dialog.open) dialog.showModal();
    input.select();
    if (!input.value.trim()) ask();
  }

  async function follow(option) {
    if (option?.href) location.assign(option.href);
  }

  input.addEventListener('input', (event) => {
    clearTimeout(timer);
    if (!event.isComposing) timer = setTimeout(ask, 140);
  });
  input.addEventListener('compositionend', () => { clearTimeout(timer); timer = setTimeout(ask, 140); });
  input.addEventListener('keydown', async (event) => {
    if (event.isComposing) return;
    const all = options();
    const at = all.indexOf(current());
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (all.length) select(all[(at + (event.key === 'ArrowDown' ? 1 : -1) + all.length + (at < 0 && event.key === 'ArrowUp' ? 1 : 0)) % all.length]);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      clearTimeout(timer);
      await ask();
      follow(current() || options()[0]);
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
