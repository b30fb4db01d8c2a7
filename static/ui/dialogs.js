// Native dialogs and <details> menus: open, close, click outside, Esc.
document.addEventListener('click', (event) => {
  const opener = event.target.closest('[data-dialog]');
  if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
  const closer = event.target.closest('[data-close]');
  if (closer) closer.closest('dialog')?.close();
  if (event.target.matches('dialog[open]')) {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside && event.clientX + event.clientY > 0) event.target.close();
  }
  for (const menu of document.querySelectorAll('details.td-menu[open]')) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  for (const menu of document.querySelectorAll('details.td-menu[open]')) {
    menu.open = false;
    menu.querySelector('summary').focus();
  }
});
document.addEventListener('focusout', (event) => {
  const menu = event.target.closest?.('details.td-menu[open]');
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});
// a menu near the right edge opens to the left
document.addEventListener('toggle', (event) => {
  const menu = event.target;
  if (!menu.matches?.('details.td-menu') || !menu.open) return;
  const drop = menu.querySelector('.td-drop');
  if (drop && drop.getBoundingClientRect().right > document.documentElement.clientWidth - 4) menu.classList.add('is-end');
}, true);
