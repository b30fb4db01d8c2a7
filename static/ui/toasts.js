// Toasts go after a while, but never while they are pointed at or hold the focus. data-toast="seconds", 0 = stays.
function watch(toast) {
  const seconds = Number(toast.dataset.toast || 0);
  let timer = 0;
  const stop = () => clearTimeout(timer);
  const start = () => { if (seconds) { stop(); timer = setTimeout(() => toast.remove(), seconds * 1000); } };
  toast.addEventListener('pointerenter', stop);
  toast.addEventListener('pointerleave', start);
  toast.addEventListener('focusin', stop);
  toast.addEventListener('focusout', start);
  toast.querySelector('[data-dismiss]')?.addEventListener('click', () => toast.remove());
  start();
}

for (const toast of document.querySelectorAll('[data-toast]')) if (!toast.closest('template')) watch(toast);

export function complain(text) {
  const shelf = document.querySelector('[data-toasts]');
  const model = document.getElementById('toast-error');
  if (!shelf || !model) return;
  shelf.querySelectorAll('.is-bad').forEach((old) => old.remove());
  const toast = model.content.firstElementChild.cloneNode(true);
  const words = toast.querySelector('span');
  words.textContent = text || words.dataset.default;
  shelf.append(toast);
  watch(toast);
}
