// The chooser of columns: rows move up and down in place; without this script the buttons send the form.
function refresh(list) {
  const rows = [...list.children];
  const on = rows.filter((row) => row.querySelector('[name="column"]').checked);
  for (const row of rows) {
    const at = on.indexOf(row);
    row.querySelector('[data-move="up"]').disabled = at <= 0;
    row.querySelector('[data-move="down"]').disabled = at < 0 || at === on.length - 1;
  }
}
document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-move]');
  const list = button?.closest('[data-order]');
  if (!list) return;
  event.preventDefault();
  const row = button.closest('li');
  const up = button.dataset.move === 'up';
  const other = up ? row.previousElementSibling : row.nextElementSibling;
  if (!other) return;
  if (up) other.before(row); else other.after(row);
  refresh(list);
  // the focus stays with the row, on the other button where this one has come to its end
  (button.disabled ? row.querySelector(`[data-move="${up ? 'down' : 'up'}"]`) : button).focus();
});
document.addEventListener('change', (event) => {
  const list = event.target.closest?.('[data-order]');
  if (!list) return;
  const row = event.target.closest('li');
  const ticked = [...list.children].filter((one) => one !== row && one.querySelector('[name="column"]').checked);
  if (event.target.checked && ticked.length) ticked.at(-1).after(row);
  if (!event.target.checked) list.append(row);
  refresh(list);
  event.target.focus();
});
