// Heavier parts, fetched only by pages that hold them: charts, long selects, boards.
async function enhance(root) {
  if (root.querySelector('[data-chart]')) (await import('./chart.js')).draw(root);
}
enhance(document);
document.addEventListener('htmx:load', (event) => { if (event.detail.elt !== document.body) enhance(event.detail.elt.parentElement || document); });

// A row of views too long for the phone begins where the page is.
for (const here of document.querySelectorAll('.td-seg [aria-current]')) {
  const row = here.parentElement;
  row.scrollLeft = here.getBoundingClientRect().right - row.getBoundingClientRect().right + 8;
}
