// A list worked through by keyboard: J and K choose a row of [data-rows], and what in it carries data-row-key="…" is pressed
// by that key (keys.js) while it is the chosen row. The place is kept over the reload that a finished row causes.
const rows = () => [...document.querySelectorAll('[data-rows] > li')];
const store = `tidui_row:${location.pathname}`;
const kept = () => { try { return Number(sessionStorage.getItem(store)) || 0; } catch { return 0; } };
let at = kept();

function choose(wanted, move) {
  const all = rows();
  if (!all.length) return;
  at = Math.max(0, Math.min(wanted, all.length - 1));
  for (const [place, row] of all.entries()) {
    const chosen = place === at;
    row.classList.toggle('is-chosen', chosen);
    for (const el of row.querySelectorAll('[data-row-key]')) {
      if (chosen) el.dataset.key = el.dataset.rowKey; else delete el.dataset.key;
    }
  }
  try { sessionStorage.setItem(store, String(at)); } catch { /* private window */ }
  if (move) all[at].scrollIntoView({ block: 'nearest' });
}

document.addEventListener('click', (event) => {
  const step = event.target.closest('[data-row-step]');
  if (step) choose(at + Number(step.dataset.rowStep), true);
});
choose(at, false);
